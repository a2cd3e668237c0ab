/** What stands on a timeline, and how it is put together. Pure. */
import type { Entry, EntryKind } from "../api/chart";

export const KINDS: readonly EntryKind[] = ["order", "study", "report", "document", "upload"];

/** What is drawn one below the other: a year, and what belongs to it. */
export interface Line {
  year: string;
  /** Null: the year's own line. */
  entry: Entry | null;
  /** Among the entries, from 1. */
  position: number;
}

/** In the order in which they come. */
export function linesOf(entries: readonly Entry[]): Line[] {
  const lines: Line[] = [];
  entries.forEach((entry, at) => {
    const year = entry.day.slice(0, 4);
    if (lines.at(-1)?.year !== year) lines.push({ year, entry: null, position: at + 1 });
    lines.push({ year, entry, position: at + 1 });
  });
  return lines;
}

/** One of the entries, whatever the others are. */
export function keyOf({ kind, document_id, report_id, upload_id, study_instance_uid, order_id, at }: Entry): string {
  return [kind, document_id ?? report_id ?? upload_id, study_instance_uid ?? order_id, at].join(" ");
}

/** Where an entry leads; null: it is opened where it is. */
export function placeOf(entry: Entry): string | null {
  if (entry.kind === "order" && entry.order_id) return `/orders/${encodeURIComponent(entry.order_id)}`;
  if (entry.kind === "report" && entry.report_id) return `/reports/${encodeURIComponent(entry.report_id)}`;
  if (entry.kind === "upload" && entry.upload_id) return `/uploads/${encodeURIComponent(entry.upload_id)}`;
  if (entry.kind === "study" && entry.study_instance_uid) return `/studies/${encodeURIComponent(entry.study_instance_uid)}`;
  return null;
}
