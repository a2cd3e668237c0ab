import { Value } from "../components/Value";
import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import type { Change } from "./choice";

/** What the files say and what they will say once stored; a contradiction is marked in words too. */
export function ChangesTable({ changes }: { changes: readonly Change[] }) {
  return (
    <table className="coerced">
      <caption>{t("review.changes", { count: changes.length })}</caption>
      <thead>
        <tr>
          <th scope="col">{t("coerced.field")}</th>
          <th scope="col">{t("coerced.before")}</th>
          <th scope="col">{t("review.changes.after")}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ keyword, before, after, conflict }) => (
          <tr key={keyword} className={conflict ? "differs" : undefined}>
            <th scope="row">{fieldName(keyword)}</th>
            <td>
              <Value text={before} />
              {conflict && <span className="badge badge-bad">{t("evidence.differs")}</span>}
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
