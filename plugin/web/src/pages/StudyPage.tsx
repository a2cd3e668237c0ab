import { Link, useParams } from "react-router-dom";
import { useStudy } from "../api/study";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { Thumbnail } from "../components/Thumbnail";
import { LinkStatus, Mrn } from "../components/values";
import { DocumentsPanel } from "../chart/DocumentsPanel";
import { PatientLink } from "../components/PatientLink";
import { PersonFacts } from "../components/Person";
import { ofNamed } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { t } from "../i18n";
import { DeletionButton } from "../study/DeletionButton";
import { DownloadButton } from "../study/DownloadButton";
import { HistoryPanel } from "../study/HistoryPanel";
import { HoldPanel } from "../study/HoldPanel";
import { LinkPanel } from "../study/LinkPanel";
import { PerformedSteps } from "../study/PerformedSteps";
import { LeavingActions } from "../sharing/LeavingActions";
import { ReportsPanel } from "../reporting/ReportsPanel";
import { SeriesPanel } from "../study/SeriesPanel";
import { StudyFacts } from "../study/StudyFacts";
import { TagsPanel } from "../study/TagsPanel";
import { RestrictionMark } from "../privacy/RestrictionMark";
import { studyTitle } from "../study/words";
import { SharesPanel } from "../sharing/SharesPanel";

export function StudyPage() {
  const { uid = "" } = useParams();
  const study = useStudy(uid);
  if (study.data) return <LoadedStudy key={uid} study={study.data} />;
  return (
    <Page key={uid} title={t("study.title")} heading={study.error ? t("study.title") : t("app.loading")} above={<BackLink />}>
      {study.error ? (
        <ErrorState error={study.error} onRetry={() => void study.refetch()} />
      ) : (
        <ListSkeleton label={t("app.loading")} />
      )}
    </Page>
  );
}

function LoadedStudy({ study }: { study: Study }) {
  const uid = study.study_instance_uid;
  const mayView = useMay("view");
  const mayDownload = useMay("download");
  const mayDelete = useMay("request_deletion");
  const mayReconcile = useMay("reconcile");
  return (
    <Page
      title={t("study.title")}
      heading={<PatientLink id={study.patient_id} name={study.patient_name} />}
      above={<BackLink />}
      lead={
        <p className="identity">
          <PersonFacts whom={{ ...ofNamed(study), mrn: null }} />
          <RestrictionMark patientId={study.patient_id} />
          {study.patient_id ? (
            <Link to={`/patients/${encodeURIComponent(study.patient_id)}`}>
              <Mrn mrn={study.mrn} issuer={study.issuer} />
            </Link>
          ) : (
            <Mrn mrn={study.mrn} issuer={study.issuer} />
          )}
          <LinkStatus status={study.link_status} />
        </p>
      }
    >
      {study.number_in_quarantine > 0 && (
        <Notice kind="warn">
          <p>
            {t("study.quarantine", { count: study.number_in_quarantine })}{" "}
            {mayReconcile && <Link to={`/quarantine?study=${encodeURIComponent(uid)}`}>{t("study.quarantine.open")}</Link>}
          </p>
        </Notice>
      )}
      <div className="order-grid">
        <div className="order-side">
          <section className="panel" aria-labelledby="facts-title">
            <h2 id="facts-title">{t("study.facts")}</h2>
            <Thumbnail uid={uid} large />
            <div className="actions">
              <ViewButton primary studyInstanceUid={uid} what={studyTitle(study)} />
              {mayDownload && <DownloadButton study={study} />}
              {mayDownload && <LeavingActions study={study} />}
            </div>
            {!mayView && <p className="muted">{t("view.no_permission")}</p>}
            <StudyFacts study={study} />
          </section>
          <LinkPanel study={study} />
          <PerformedSteps of={{ study: uid }} title={t("performed.title")} />
          <SharesPanel study={uid} />
          <HoldPanel study={study} />
          {mayDelete && (
            <section className="panel" aria-labelledby="deletion-title">
              <h2 id="deletion-title">{t("study.deletion")}</h2>
              <p className="muted">{t("study.deletion.text")}</p>
              <DeletionButton study={study} />
            </section>
          )}
        </div>
        <div className="stack">
          {study.is_document && <DocumentsPanel owner={{ study: uid }} canAttach={false} />}
          <ReportsPanel of={{ study: uid }} {...(study.link_status === "linked" && !study.is_document ? { begin: { study_instance_uid: uid } } : {})} />
          <SeriesPanel study={study} />
          <TagsPanel study={study} />
          <HistoryPanel uid={uid} />
        </div>
      </div>
    </Page>
  );
}

function BackLink() {
  return (
    <p className="back">
      <Link to="/studies">
        <Icon name="back" />
        {t("study.back")}
      </Link>
    </p>
  );
}
