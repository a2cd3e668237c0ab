import { Link } from "react-router-dom";
import { useReport, useReportsOf } from "../api/reports";
import { t } from "../i18n";
import { Signature, Warnings } from "./Reading";
import { ReportText } from "./ReportText";
import { ReportStatus } from "./Status";

/** The report of a study beside its images; nothing while nothing was issued. */
export function useIssuedReport(study: string, enabled: boolean): string | null {
  const reports = useReportsOf({ study }, enabled).data ?? [];
  return reports.find(({ version, status }) => version > 0 && status !== "entered_in_error")?.id ?? null;
}

export function Beside({ id }: { id: string }) {
  const report = useReport(id).data?.report;
  if (!report) return <p role="status">{t("app.loading")}</p>;
  return (
    <aside className="beside" aria-label={t("reports.one")}>
      <h2>{report.title}</h2>
      <p>
        <ReportStatus status={report.status} />
      </p>
      <Warnings report={report} />
      <ReportText sections={report.sections} language={report.language} />
      <Signature of={report} />
      <p>
        <Link to={`/reports/${report.id}`}>{t("report.open")}</Link>
      </p>
    </aside>
  );
}
