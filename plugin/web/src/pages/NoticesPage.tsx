/** What others have done that concerns whoever is signed in, the latest first. */
import { useEffect } from "react";
import { Link } from "react-router-dom";
import { useNotices, useNoticesSeen, type NoticeOf } from "../api/notices";
import { Blank } from "../components/Blank";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { PatientLink } from "../components/PatientLink";
import { PersonFacts } from "../components/Person";
import { Instant } from "../components/values";
import { ofNamed } from "../components/whom";
import { t, word } from "../i18n";

export function NoticesPage() {
  return (
    <NeedsPermission permission="read" title={t("notices.title")}>
      <Notices />
    </NeedsPermission>
  );
}

function Notices() {
  const notices = useNotices();
  const { mutate: see } = useNoticesSeen();
  const items = notices.data?.items ?? [];
  const latest = items.find(({ is_seen: isSeen }) => !isSeen)?.at;
  useEffect(() => {
    if (latest) see(latest);
  }, [latest, see]);
  return (
    <Page title={t("notices.title")} lead={t("notices.lead")}>
      {notices.error && <ErrorState error={notices.error} onRetry={() => void notices.refetch()} />}
      {notices.isPending && <ListSkeleton label={t("app.loading")} />}
      {notices.data && items.length === 0 && <Blank title={t("notices.none")} text={t("notices.none.text")} />}
      {items.length > 0 && (
        <ul className="plain-list notices" aria-label={t("notices.title")}>
          {items.map((notice) => (
            <Row key={notice.id} notice={notice} />
          ))}
        </ul>
      )}
    </Page>
  );
}

function Row({ notice }: { notice: NoticeOf }) {
  return (
    <li className={notice.is_seen ? "panel notice-row" : "panel notice-row notice-new"}>
      <p>
        {!notice.is_seen && <span className="badge badge-info">{t("notices.new")}</span>}{" "}
        <strong>{t(`notices.kind.${notice.kind}`, { who: notice.actor })}</strong>
        {notice.deletion_status && <> {t("notices.deletion", { status: word("deletion.status", notice.deletion_status) })}</>}
      </p>
      {notice.patient_id && (
        <p>
          <PatientLink id={notice.patient_id} name={notice.patient_name} /> <PersonFacts whom={ofNamed(notice)} />
        </p>
      )}
      <p className="identity small">
        <Way notice={notice} />
        <Instant iso={notice.at} />
      </p>
    </li>
  );
}

/** To what it is about. */
function Way({ notice }: { notice: NoticeOf }) {
  if (notice.kind === "deletion_decided") return <Link to="/deletions">{t("notices.to.deletions")}</Link>;
  if (notice.report_id) return <Link to={`/reports/${notice.report_id}`}>{t("report.open")}</Link>;
  if (notice.order_id) return <Link to={`/orders/${notice.order_id}`}>{t("study.order.open", { accession: notice.accession_number ?? "" })}</Link>;
  return null;
}
