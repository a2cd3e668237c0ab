/** Files that came with a report from outside, as they came. */
import { useState } from "react";
import { saveAs, useFetch } from "../api/files";
import type { Report } from "../api/reports";
import { describe } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

type Files = NonNullable<Report["outside"]>["attachments"];

export function Attachments({ id, version, files }: { id: string; version: number; files: Files }) {
  const get = useFetch();
  const say = useSay();
  const [busy, setBusy] = useState<number | null>(null);
  if (files.length === 0) return null;
  const save = async (position: number, file: Files[number]) => {
    setBusy(position);
    try {
      const answer = await get(`/api/v1/reports/${id}/versions/${version}/attachments/${position}`, "*/*");
      saveAs(await answer.blob(), file.content_type === "application/pdf" ? `${file.title}.pdf` : file.title);
    } catch (error) {
      say({ text: describe(error as Error).title, bad: true });
    } finally {
      setBusy(null);
    }
  };
  return (
    <section className="stack-small" aria-label={t("report.attachments")}>
      <h3>{t("report.attachments")}</h3>
      <ul className="plain-list">
        {files.map((file, position) => (
          <li key={position}>
            <button type="button" className="button button-small" aria-disabled={busy !== null} onClick={() => void (busy !== null || save(position, file))}>
              <Icon name="report" />
              {file.title}
            </button>{" "}
            <span className="muted small">{file.content_type}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
