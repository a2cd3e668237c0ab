/** What is asked for again after a change: the first word of each query key that may show it. One list, so that no page is forgotten. */
import type { QueryClient } from "@tanstack/react-query";

const ORDER = ["order", "orders", "timeline"] as const;
const STUDY = [...ORDER, "studies", "study"] as const;

export const CHANGED = {
  /** Who does an order, or how far it is. */
  order: ORDER,
  /** Images came, went, or were hidden. */
  study: STUDY,
  /** Who somebody is, or whose a study is. */
  person: [...STUDY, "reports", "patient", "patients", "change", "changes", "reconciliation"],
  report: ["report", "reports", "order", "orders", "audit", "timeline"],
  document: ["documents", "timeline", "studies"],
  deletion: [...STUDY, "deletions", "retention"],
  quarantine: [...STUDY, "quarantine"],
  message: [...STUDY, "messages", "patient"],
  reconciliation: [...STUDY, "reconciliation", "patients"],
} as const satisfies Record<string, readonly string[]>;

export function askAgain(client: QueryClient, what: keyof typeof CHANGED): void {
  for (const key of CHANGED[what]) void client.invalidateQueries({ queryKey: [key] });
}
