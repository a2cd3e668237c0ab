import type { Coercion } from "../api/types";
import { Value } from "../components/Value";
import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { valueText } from "./results";

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
                <Value text={valueText(each.before)} />
              </td>
              <td>
                <Value text={valueText(each.after)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted small">{t("coerced.text")}</p>
    </section>
  );
}
