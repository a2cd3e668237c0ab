import { ChangeTable } from "../components/ChangeTable";
import { t } from "../i18n";
import type { Change } from "./choice";

/** What the files say and what they will say once stored. */
export function ChangesTable({ changes }: { changes: readonly Change[] }) {
  const rows = changes.map(({ keyword, ...values }) => ({ tag: keyword, ...values }));
  return <ChangeTable caption={t("review.changes", { count: changes.length })} after={t("review.changes.after")} changes={rows} />;
}
