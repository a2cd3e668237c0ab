/** What may be done with a deletion request, and how long. Pure. */
import type { Decision, Deletion } from "../api/deletions";

export const STATES = ["pending", "approved", "rejected", "restored", "purging", "purged"] as const;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whole days until the images may be deleted for good; 0 on the last one. */
export function daysLeft(deletion: Pick<Deletion, "status" | "purge_after">, now: number): number | null {
  if (deletion.status !== "approved" || !deletion.purge_after) return null;
  const end = Date.parse(deletion.purge_after);
  return Number.isNaN(end) ? null : Math.max(0, Math.floor((end - now) / DAY_MS));
}

/** What this person may do with it now. One's own request can be taken back, not approved. */
export function decisionsFor(deletion: Pick<Deletion, "status" | "requested_by" | "on_hold">, me: string, mayApprove: boolean): Decision[] {
  if (!mayApprove) return [];
  if (deletion.status === "approved") return ["restore"];
  if (deletion.status !== "pending") return [];
  return deletion.requested_by === me || deletion.on_hold ? ["reject"] : ["approve", "reject"];
}
