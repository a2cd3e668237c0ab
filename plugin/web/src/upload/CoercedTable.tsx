import type { Coercion } from "../api/types";
import { ChangeTable } from "../components/ChangeTable";
import { t } from "../i18n";
import { valueText } from "./results";

/** Which values of the file were replaced on arrival. */
export function CoercedTable({ coerced }: { coerced: readonly Coercion[] }) {
  const changes = coerced.map(({ tag, before, after }) => ({ tag, before: valueText(before), after: valueText(after) }));
  return (
    <section className="stack-small">
      <ChangeTable caption={t("coerced.title", { count: coerced.length })} changes={changes} />
      <p className="muted small">{t("coerced.text")}</p>
    </section>
  );
}
