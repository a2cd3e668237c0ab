/** Which changes the desk may take back; the server decides for itself. Pure. */
import type { Change } from "../api/changes";

export function mayUndo(change: Pick<Change, "kind" | "undoes_id" | "undone_by_id">): boolean {
  return change.undoes_id === null && change.undone_by_id === null && change.kind !== "accession_corrected";
}
