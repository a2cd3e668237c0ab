/** A study in OHIF, inside the page: alone, with earlier studies, or beside another one. */
import { useState } from "react";
import { useLocation, useNavigate, useParams, useSearchParams } from "react-router-dom";
import { usePatientStudies } from "../api/patients";
import { useStudy } from "../api/studies";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { NeedsPermission } from "../components/NoPermission";
import { PatientLink } from "../components/PatientLink";
import { PersonFacts } from "../components/Person";
import { ofNamed } from "../components/whom";
import { formatDay, t } from "../i18n";
import { personName } from "../i18n/person";
import { RestrictionMark } from "../privacy/RestrictionMark";
import { Beside, useIssuedReport } from "../reporting/Beside";
import { useFollowing } from "../reporting/useSecondScreen";
import { CompareMenu } from "../viewer/CompareMenu";
import { Doubt } from "../viewer/Doubt";
import { Images } from "../viewer/Images";
import { NewTab } from "../viewer/NewTab";

export function ViewerPage() {
  const { uid = "" } = useParams();
  const mayDecide = useMay("view_to_decide"); // the server says whether this study waits for a decision
  return (
    <NeedsPermission permission={mayDecide ? "view_to_decide" : "view"} title={t("viewer.title")}>
      <Viewer key={uid} uid={uid} />
    </NeedsPermission>
  );
}

function Viewer({ uid }: { uid: string }) {
  const [search, setSearch] = useSearchParams();
  const [covered, setCovered] = useState<readonly string[]>([]);
  const mayRead = useMay("read");
  const mayView = useMay("view");
  const study = useStudy(mayRead ? uid : "").data;
  const others = usePatientStudies(study?.patient_id).data ?? [];
  const compare = search.get("compare");
  const priors = search.get("priors") === "auto";
  const shown = [uid, ...covered];
  const isSecond = search.get("screen") === "2";
  useFollowing(isSecond);
  const report = useIssuedReport(uid, mayRead && !isSecond);
  const [isReportShown, setReportShown] = useState(false);
  const doubted = [study, ...others].find((each) => each?.link_status === "ambiguous" && shown.includes(each.study_instance_uid));
  const title = study ? [study.study_description || t("studies.untitled"), study.study_date && formatDay(study.study_date)].filter(Boolean).join(", ") : "";

  return (
    <main id="content" className="viewer" tabIndex={-1}>
      <title>{t("app.title", { page: [study && personName(study.patient_name), title || t("viewer.title")].filter(Boolean).join(" · ") })}</title>
      <header className="viewer-bar">
        {!isSecond && <CloseButton />}
        <h1>
          {study && <PatientLink id={study.patient_id} name={study.patient_name} />}
          {study && <PersonFacts whom={ofNamed(study)} />}
          {study && <RestrictionMark patientId={study.patient_id} />}
          <span className="muted">{title || t("viewer.title")}</span>
        </h1>
        <CompareMenu
          others={others.filter((each) => each.study_instance_uid !== uid && !each.deleted_at)}
          value={priors ? "priors" : (compare ?? "")}
          onChange={(value) => setSearch({ ...(isSecond ? { screen: "2" } : {}), ...(value === "" ? {} : value === "priors" ? { priors: "auto" } : { compare: value }) }, { replace: true })}
        />
        {report && (
          <button type="button" className="button button-small" aria-pressed={isReportShown} onClick={() => setReportShown(!isReportShown)}>
            <Icon name="edit" />
            {t("reports.one")}
          </button>
        )}
        <NewTab wish={{ studyUid: uid, compare, priors }} />
      </header>
      {doubted && <Doubt studyUid={doubted.study_instance_uid} />}
      <div className={report && isReportShown ? "reading-desk reading-desk-split" : "reading-desk"}>
        <div className="reading-images">
          <Images key={`${compare} ${priors}`} wish={{ studyUid: uid, compare, priors }} mayView={mayView} onShown={setCovered} />
        </div>
        {report && isReportShown && (
          <div className="reading-text">
            <Beside id={report} />
          </div>
        )}
      </div>
    </main>
  );
}

/** Back to where the images were opened from; to the studies when this page was the first. */
function CloseButton() {
  const navigate = useNavigate();
  const first = useLocation().key === "default";
  return (
    <button type="button" className="button button-small" onClick={() => void (first ? navigate("/") : navigate(-1))}>
      <Icon name="cross" />
      {t("viewer.close")}
    </button>
  );
}
