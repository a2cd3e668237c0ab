/** What the system page says about numbers, and where one goes to act. Pure. */
import type { AttentionAnswer, FixityAnswer, ForecastAnswer, StorageAnswer } from "../api/schema";
import type { Permission } from "../api/types";
import { formatBytes, formatDay, formatInstant, formatNumber, known, t } from "../i18n";

/** "1.6 TB of 2.0 TB (79 %)"; null when nobody knows. */
export function freeWords({ free_bytes: free, total_bytes: total }: Pick<StorageAnswer, "free_bytes" | "total_bytes">): string | null {
  if (free === null || total === null) return null;
  const percent = total > 0 ? Math.floor((100 * free) / total) : 0;
  return t("system.storage.free.value", { free: formatBytes(free), total: formatBytes(total), percent });
}

/** "6.1 GB (49%)", by compression; "nothing" without any; null when nobody knows. */
export function savedWords({ archive_bytes: kept, uncompressed_bytes: whole }: Pick<StorageAnswer, "archive_bytes" | "uncompressed_bytes">): string | null {
  if (kept === null || whole === null) return null;
  if (whole <= kept) return t("system.storage.saved.nothing");
  return t("system.storage.saved.value", { saved: formatBytes(whole - kept), percent: Math.floor((100 * (whole - kept)) / whole) });
}

/** "on 12 Dec 2027, at 4.1 GB a day"; what is missing when that is not known yet. */
export function forecastWords({ days, bytes_per_day: each, full_on: day }: ForecastAnswer): string {
  if (each === null) return t("system.storage.forecast.days", { count: days });
  if (day === null) return t("system.storage.forecast.far", { each: formatBytes(each) });
  return t("system.storage.forecast.value", { day: formatDay(day), each: formatBytes(each) });
}

/** How often all files are read again, and how far that is; null while none has been. */
export function fixityWords({ days, checked_until: until }: Pick<FixityAnswer, "days" | "checked_until">): string | null {
  if (days === 0) return t("system.storage.fixity.never");
  return until === null ? null : t("system.storage.fixity.value", { count: days, until: formatInstant(until) });
}

/** What is the matter and what to do; of something this page does not know yet, the server's own words. */
export function attentionWords({ code, count, advice }: AttentionAnswer): { title: string; todo: string } {
  const title = known("system.act", code)?.replace("{count}", formatNumber(count ?? 0)) ?? code;
  return { title, todo: known("system.act.todo", code) ?? advice };
}

const PLACES: Readonly<Record<string, { to: string; needs: Permission }>> = {
  uploads_incomplete: { to: "/uploads?status=partial", needs: "read" },
  quarantined: { to: "/quarantine", needs: "reconcile" },
  steps_without_order: { to: "/reconciliation", needs: "reconcile" },
  images_missing: { to: "/reconciliation", needs: "reconcile" },
  steps_not_ended: { to: "/reconciliation", needs: "reconcile" },
  messages_refused: { to: "/interfaces?state=refused", needs: "interfaces" },
  sources_silent: { to: "/interfaces", needs: "interfaces" },
  deliveries_stuck: { to: "/destinations", needs: "interfaces" },
  refused_often: { to: "/audit?action=request.refused", needs: "audit" },
};

/** Where something can be done about it, for those who may go there. */
export function placeToAct(code: string, permissions: readonly Permission[]): string | null {
  const place = PLACES[code];
  return place && permissions.includes(place.needs) ? place.to : null;
}
