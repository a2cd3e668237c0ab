import { useState } from "react";
import { API_ROOT } from "../api/client";
import { errorFromAnswer } from "../api/errors";
import { saveAs } from "../api/files";
import type { SharedReportEntry } from "../api/schema";
import { Icon } from "../components/Icon";
import { Problem } from "../components/Problem";
import { formatInstant, t, word } from "../i18n";

/** A signed report, saved as a PDF. */
export function SharedReport({ report, token }: { report: SharedReportEntry; token: string }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const answer = await fetch(`${API_ROOT}/share/reports/${encodeURIComponent(report.report_id)}/pdf`, {
        headers: { Authorization: `Bearer ${token}`, Accept: "application/pdf" },
        cache: "no-store",
      });
      if (!answer.ok) throw errorFromAnswer(answer.status, await answer.json().catch(() => undefined));
      saveAs(await answer.blob(), `${t("outside.report.file")}.pdf`);
    } catch (failed) {
      setError(failed as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <li>
      <button type="button" className="button outside-action" aria-disabled={busy} onClick={() => void (busy || save())}>
        <Icon name="report" />
        {t("outside.report", { title: report.title })}
      </button>
      <p className="small muted">
        {word("report.status", report.status)}
        {report.issued_at && ` · ${formatInstant(report.issued_at)}`}
      </p>
      <Problem error={error} />
    </li>
  );
}
