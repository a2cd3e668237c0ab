/** What may be done with a deletion request, and how long. Pure. */
import type { Decision, Deletion } from "../api/deletions";

export const STATES = ["pending", "approved", "rejected", "withdrawn", "restored", "purging", "purged"] as const;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whole days until the images may be deleted for good; 0 on the last one. */
export function daysLeft(deletion: Pick<Deletion, "status" | "purge_after">, now: number): number | null {
  if (deletion.status !== "approved" || !deletion.purge_after) return null;
  const end = Date.parse(deletion.purge_after);
  return Number.isNaN(end) ? null : Math.max(0, Math.floor((end - now) / DAY_MS));
}

/** What this person may do with it now: one decides on others' requests and takes one's own back. */
export function decisionsFor(deletion: Pick<Deletion, "status" | "requested_by" | "on_hold">, me: string, mayApprove: boolean): Decision[] {
  if (deletion.status === "pending" && deletion.requested_by === me) return ["withdraw"];
  if (!mayApprove) return [];
  if (deletion.status === "approved") return ["restore"];
  if (deletion.status !== "pending") return [];
  return deletion.on_hold ? ["reject"] : ["approve", "reject"];
}

/** Whether it waits for a decision of this person, who then sees the images. */
export function waitsFor(deletion: Pick<Deletion, "status" | "requested_by">, me: string): boolean {
  return deletion.status === "pending" && deletion.requested_by !== me;
}
