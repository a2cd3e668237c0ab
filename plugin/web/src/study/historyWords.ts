/** A step of a study's history in words. Pure. */
import type { HistoryEntry, LinkSide } from "../api/schema";
import type { IconName } from "../components/Icon";
import { t, word } from "../i18n";

export function iconOf(action: string): IconName {
  if (action === "study.received") return "upload";
  if (action.startsWith("study.held") || action.startsWith("study.hold")) return "lock";
  if (action.startsWith("deletion.")) return "trash";
  if (action.startsWith("viewer_token.") || action === "study.viewed") return "view";
  if (action === "study.downloaded") return "down";
  if (action.includes("link")) return "link";
  if (action.includes("contradicted") || action === "study.file_damaged") return "alert";
  if (action === "study.file_restored") return "check";
  return "edit";
}

/** "upload · 16 files" */
export function whereFrom(entry: Pick<HistoryEntry, "door" | "number_of_files">): string {
  const parts: string[] = [];
  if (entry.door) parts.push(word("door", entry.door));
  if (entry.number_of_files) parts.push(t("count.files", { count: entry.number_of_files }));
  return parts.join(" · ");
}

export type Side = Pick<LinkSide, "patient" | "accession_number">;

/** Whose the study was (undefined where nobody was asked: on its way in) and whose it is; null where a step says neither. */
export function linkOf({ link_before: before, link_after: after, patient, accession_number, action }: HistoryEntry): { before?: Side; after: Side } | null {
  if (after) return { before: before ?? NOBODY, after };
  return action === "study.linked" && patient ? { after: { patient, accession_number } } : null;
}

const NOBODY: Side = { patient: null, accession_number: null };
