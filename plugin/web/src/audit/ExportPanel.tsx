import { useEffect, useRef, useState } from "react";
import { exportPath, useExportPage, type ExportFilter, type ExportForm } from "../api/audit";
import { ApiError } from "../api/errors";
import { saveAs } from "../api/files";
import { Icon } from "../components/Icon";
import { SelectField } from "../components/Fields";
import { Problem } from "../components/Problem";
import { t } from "../i18n";

const FORMS: Record<ExportForm, string> = { csv: "csv", dicom: "xml", fhir: "json" };

/** Copies of the trail in a form others read; a long one comes as several files of 10,000 events. */
export function ExportPanel({ filter }: { filter: ExportFilter }) {
  const [form, setForm] = useState<ExportForm>("csv");
  const [files, setFiles] = useState(0);
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const getPage = useExportPage();
  const control = useRef<AbortController | null>(null);
  useEffect(() => () => control.current?.abort(), []);

  const start = async () => {
    if (isRunning) return;
    const own = new AbortController();
    control.current = own;
    setRunning(true);
    setFiles(0);
    setProblem(null);
    try {
      let next: string | null = exportPath(form, filter);
      for (let number = 1; next; number++) {
        const page = await getPage(next, own.signal);
        saveAs(page.content, `audit-${String(number).padStart(3, "0")}.${FORMS[form]}`);
        setFiles(number);
        next = page.next;
      }
    } catch (error) {
      if (!own.signal.aborted) setProblem(error instanceof Error ? error : new ApiError(0, "network"));
    } finally {
      if (!own.signal.aborted) setRunning(false);
    }
  };
  return (
    <section className="panel" aria-labelledby="export-title">
      <h2 id="export-title">{t("audit.export.title")}</h2>
      <p className="muted">{t(Object.values(filter).some(Boolean) ? "audit.export.range" : "audit.export.text")}</p>
      <div className="actions actions-fields">
        <SelectField
          label={t("audit.export.form")}
          value={form}
          options={(Object.keys(FORMS) as ExportForm[]).map((value) => ({ value, label: t(`audit.export.form.${value}`) }))}
          onChange={(value) => setForm(value as ExportForm)}
        />
        <button type="button" className="button" aria-disabled={isRunning} onClick={() => void start()}>
          <Icon name="down" />
          {isRunning ? t("action.busy") : t("audit.export")}
        </button>
      </div>
      <p role="status" className="small muted">
        {files > 0 ? t("audit.export.done", { files: t("count.files", { count: files }) }) : ""}
      </p>
      <Problem error={problem} />
    </section>
  );
}
