import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { Value } from "../components/Value";

interface Change {
  tag: string;
  before: string;
  after: string;
}

/** Before and after, value by value, as they stand in the files. */
export function ChangeTable({ changes }: { changes: readonly Change[] }) {
  return (
    <table className="coerced">
      <caption className="visually-hidden">{t("changes.title")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("study.tags.field")}</th>
          <th scope="col">{t("changes.before")}</th>
          <th scope="col">{t("changes.after")}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ tag, before, after }, at) => (
          <tr key={at}>
            <th scope="row">{fieldName(tag)}</th>
            <td>
              <Value text={before} />
            </td>
            <td>
              <Value text={after} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
