/** What the images say beside what the EHR says, value by value; what a link would change is marked, by word and icon too. */
import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { asRead } from "./asRead";
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
    <div className="compare-frame">
      <table className="compare">
        <caption className="visually-hidden">{label}</caption>
        <thead>
          <tr>
            <th scope="col">{t("study.tags.field")}</th>
            <th scope="col">{t("reconciliation.file")}</th>
            <th scope="col">{t("reconciliation.ehr")}</th>
            <th scope="col">
              <span className="visually-hidden">{t("reconciliation.mark")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ tag, file, ehr, mark, detail }) => {
            const [readFile, readEhr] = asRead(tag, [file ?? "", ehr ?? ""]);
            return (
              <tr key={tag} className={`mark-${mark}`}>
                <th scope="row">{fieldName(tag)}</th>
                <td>{file !== null && <Value text={file} read={readFile} />}</td>
                <td>{file !== null && (ehr === null ? <span className="muted">{t("reconciliation.silent")}</span> : <Value text={ehr} read={readEhr} />)}</td>
                <td className="compare-note">
                  <MarkWord mark={mark} />
                  {(mark === "slip" || mark === "other") && detail && <span className="mark-detail">{detail}</span>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
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
