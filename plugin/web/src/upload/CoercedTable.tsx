import type { Coercion } from "../api/types";
import { known, t } from "../i18n";
import { valueText } from "./results";
import { snake } from "./words";

/** Which values of the file were replaced on arrival, exactly as they stand in the data. */
export function CoercedTable({ coerced }: { coerced: readonly Coercion[] }) {
  return (
    <section className="stack-small">
      <table className="coerced">
        <caption>{t("coerced.title", { count: coerced.length })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("coerced.field")}</th>
            <th scope="col">{t("coerced.before")}</th>
            <th scope="col">{t("coerced.after")}</th>
          </tr>
        </thead>
        <tbody>
          {coerced.map((each, at) => (
            <tr key={at}>
              <th scope="row">{fieldName(each.tag)}</th>
              <td>
                <Value value={each.before} />
              </td>
              <td>
                <Value value={each.after} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted small">{t("coerced.text")}</p>
    </section>
  );
}

function Value({ value }: { value: unknown }) {
  const text = valueText(value);
  return text ? <bdi className="dicom-value">{text}</bdi> : <span className="muted">{t("value.empty")}</span>;
}

/** "PatientBirthDate" as "Birth date" where we have a word for it; a keyword or tag number otherwise. */
function fieldName(tag: string): string {
  return known("field", snake(tag)) ?? tag;
}
