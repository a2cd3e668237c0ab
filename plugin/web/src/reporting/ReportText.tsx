import type { Section } from "../api/reports";
import { t } from "../i18n";

/** A report as it is read: headings and their lines; what is empty is left out. */
export function ReportText({ sections, language }: { sections: readonly Section[]; language: string }) {
  const said = sections.filter(({ text }) => text.trim());
  if (said.length === 0) return <p className="muted">{t("report.empty")}</p>;
  return (
    <div className="report-text" lang={language}>
      {said.map(({ title, text }, at) => (
        <section key={at}>
          <h3>{title}</h3>
          <p>{text}</p>
        </section>
      ))}
    </div>
  );
}
