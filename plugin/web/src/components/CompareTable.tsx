/** What the images say beside what the EHR says, value by value; what a link would change is marked, by word and icon too. */
import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { Icon, type IconName } from "./Icon";
import { Value } from "./Value";
import type { Mark, Row } from "./comparison";

interface Props {
  rows: readonly Row[];
  /** The table's name, for screen readers. */
  label: string;
}

const icons: Record<Exclude<Mark, "same">, IconName> = { other: "alert", slip: "alert", form: "edit", unlike: "edit", filled: "info" };

export function CompareTable({ rows, label }: Props) {
  return (
    <table className="compare">
      <caption className="visually-hidden">{label}</caption>
      <thead>
        <tr>
          <th scope="col">{t("study.tags.field")}</th>
          <th scope="col">{t("reconciliation.file")}</th>
          <th scope="col">{t("reconciliation.ehr")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.tag} className={`mark-${row.mark}`}>
            <th scope="row">{fieldName(row.tag)}</th>
            {row.file === null ? (
              <td colSpan={2}>
                <MarkWord mark={row.mark} /> <span className="small">{row.detail}</span>
              </td>
            ) : (
              <Values row={row} file={row.file} />
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Values({ row: { ehr, mark, detail }, file }: { row: Row; file: string }) {
  return (
    <>
      <td>
        <Value text={file} />
      </td>
      <td>
        {ehr === null ? <span className="muted">{t("reconciliation.silent")}</span> : <Value text={ehr} />}
        <MarkWord mark={mark} />
        {(mark === "slip" || mark === "other") && detail && <span className="mark-detail">{detail}</span>}
      </td>
    </>
  );
}

function MarkWord({ mark }: { mark: Mark }) {
  if (mark === "same") return null;
  return (
    <span className="mark">
      <Icon name={icons[mark]} /> {t(`reconciliation.mark.${mark}`)}
    </span>
  );
}
