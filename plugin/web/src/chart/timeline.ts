/** What stands on a timeline, and how it is put together. Pure. */
import type { Entry, EntryKind } from "../api/chart";

export const KINDS: readonly EntryKind[] = ["order", "study", "report", "document", "upload"];

/** In the order in which they come. */
export function byYear(entries: readonly Entry[]): { year: string; of: Entry[] }[] {
  const years: { year: string; of: Entry[] }[] = [];
  for (const entry of entries) {
    const year = entry.day.slice(0, 4);
    const last = years.at(-1);
    if (last?.year === year) last.of.push(entry);
    else years.push({ year, of: [entry] });
  }
  return years;
}

/** Where an entry leads; null: it is opened where it is. */
export function placeOf(entry: Entry): string | null {
  if (entry.kind === "order" && entry.order_id) return `/orders/${encodeURIComponent(entry.order_id)}`;
  if (entry.kind === "report" && entry.report_id) return `/reports/${encodeURIComponent(entry.report_id)}`;
  if (entry.kind === "upload" && entry.upload_id) return `/uploads/${encodeURIComponent(entry.upload_id)}`;
  if (entry.kind === "study" && entry.study_instance_uid) return `/studies/${encodeURIComponent(entry.study_instance_uid)}`;
  return null;
}
