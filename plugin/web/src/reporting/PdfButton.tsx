import { useState } from "react";
import { saveAs, useFetch } from "../api/files";
import { describe } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

/** A version of a report as a PDF. */
export function PdfButton({ id, version, name }: { id: string; version: number; name: string }) {
  const get = useFetch();
  const say = useSay();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const answer = await get(`/api/v1/reports/${id}/versions/${version}/pdf`, "application/pdf");
      saveAs(await answer.blob(), `${name}.pdf`);
    } catch (error) {
      say({ text: describe(error as Error).title, bad: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" className="button button-small" aria-disabled={busy} onClick={() => void (busy || save())}>
      <Icon name="report" />
      {t("report.pdf")}
    </button>
  );
}
