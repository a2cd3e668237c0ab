import { useId, useState } from "react";
import { useReport, useReportsOf, type ReportItem, type Section } from "../api/reports";
import { FormDialog } from "../components/FormDialog";
import { formatInstant, t } from "../i18n";
import { ReportText } from "./ReportText";
import { ReportStatus } from "./Status";

/** What was signed of this patient before, latest first. */
export function usePriors(patientId: string, own: string): readonly ReportItem[] {
  const found = useReportsOf({ patient: patientId }).data ?? [];
  return found.filter(({ id, status }) => id !== own && status !== "draft" && status !== "entered_in_error");
}

interface Props {
  priors: readonly ReportItem[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** A prior report beside the one that is written. */
export function Prior({ priors, chosen, onChoose }: Props) {
  const id = useId();
  const report = useReport(chosen).data?.report;
  return (
    <section className="prior" aria-labelledby={`${id}-title`}>
      <div className="prior-head">
        <h2 id={`${id}-title`}>{t("report.prior")}</h2>
        <select aria-labelledby={`${id}-title`} value={chosen} onChange={(event) => onChoose(event.target.value)}>
          {priors.map((one) => (
            <option key={one.id} value={one.id}>
              {[one.issued_at && formatInstant(one.issued_at), one.title].filter(Boolean).join(" · ")}
            </option>
          ))}
        </select>
      </div>
      {report && (
        <>
          <p>
            <ReportStatus status={report.status} /> <span className="muted small">{report.signer?.name ?? report.author?.name}</span>
          </p>
          <ReportText sections={report.sections} language={report.language} />
        </>
      )}
    </section>
  );
}

/** The section of a prior report that belongs to this one. */
export function sectionBefore(section: Section, prior: readonly Section[]): Section | null {
  const same = prior.find((one) => one.code !== "" && one.code === section.code) ?? prior.find((one) => one.title.toLowerCase() === section.title.toLowerCase());
  return same && same.text.trim() ? same : null;
}

/** Copies only what the author has read and confirms: an old finding is no new one. */
export function BeforeDialog({ section, prior, onTake, onClose }: { section: Section; prior: string; onTake: (text: string) => void; onClose: () => void }) {
  const found = useReport(prior).data?.report;
  const before = found ? sectionBefore(section, found.sections) : null;
  const [read, setRead] = useState(false);
  const [missing, setMissing] = useState(false);
  const submit = () => {
    setMissing(!read);
    if (before && read) onTake(before.text);
  };
  return (
    <FormDialog title={t("report.before.title", { section: section.title })} action={t("report.before.action")} wide busy={!before} error={null} onSubmit={submit} onClose={onClose}>
      {before ? (
        <>
          <blockquote className="before-text">{before.text}</blockquote>
          <label className="check">
            <input type="checkbox" checked={read} aria-invalid={missing || undefined} onChange={(event) => setRead(event.target.checked)} />
            {t("report.before.confirm")}
          </label>
          {missing && <p className="small text-bad">{t("report.before.missing")}</p>}
        </>
      ) : (
        <p className="muted">{found ? t("report.before.none") : t("app.loading")}</p>
      )}
    </FormDialog>
  );
}
