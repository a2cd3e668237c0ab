/** A step of a study's history in words. Pure. */
import type { HistoryEntry } from "../api/schema";
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

/** Whose the study was, and whose it is. */
export function linkWords({ link_before: before, link_after: after, mrn, accession_number: accession, action }: HistoryEntry): string {
  if (after) return t("history.link", { before: side(before), after: side(after) });
  if (action === "study.linked" && mrn) return t("history.linked", { to: side({ mrn, accession_number: accession }) });
  return "";
}

function side(link: { mrn: string | null; accession_number: string | null } | null): string {
  if (!link?.mrn) return t("history.nobody");
  const mrn = t("patient.mrn.value", { mrn: link.mrn });
  return link.accession_number ? `${mrn}, ${link.accession_number}` : mrn;
}
