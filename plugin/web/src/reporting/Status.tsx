import { word } from "../i18n";

const TONES: Readonly<Record<string, string>> = { final: "good", amended: "good", corrected: "good", appended: "good", preliminary: "warn", entered_in_error: "bad" };

/** How far a report is, or the version of it that is shown. */
export function ReportStatus({ status }: { status: string }) {
  return <span className={`badge badge-${TONES[status] ?? "plain"}`}>{word("report.status", status)}</span>;
}
