import { t } from "../i18n";

/** "8 of 25 orders": that a list ends before all is shown, and what helps. Nothing where all is. */
export function Cut({ shown, total, what }: { shown: number; total: number; what: "orders" | "patients" }) {
  if (total <= shown) return null;
  return <p className="small muted number">{t(`list.cut.${what}`, { shown, total })}</p>;
}
