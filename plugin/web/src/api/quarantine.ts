/** Files that are kept but not in the archive, and what people decide about them. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useServices } from "../services";
import { asPage, PAGE_SIZE } from "./queries";
import type { QuarantineAnswer } from "./schema";

export type Quarantined = QuarantineAnswer;
export type Decision = "give" | "discard" | "reopen";

export interface QuarantineFilter {
  status: string;
  code: string;
  study: string;
  offset: number;
}

/** Whose a file is: an order, or a patient without one. */
export type Target = { order_id: string } | { patient_id: string };

export function useQuarantine({ offset, ...filter }: QuarantineFilter) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["quarantine", { ...filter, offset }],
    queryFn: async ({ signal }) =>
      asPage<Quarantined>(await ask("quarantine", { query: { ...filter, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useDecideFile() {
  const { ask } = useServices();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision, reason, target }: { id: string; decision: Decision; reason: string; target?: Target }) =>
      ask<Quarantined>(`quarantine/${encodeURIComponent(id)}/${decision}`, { method: "POST", body: { reason, ...target } }),
    // Also after a refusal: somebody else may have decided.
    onSettled: () => {
      for (const changed of ["quarantine", "studies", "study", "orders", "order"]) {
        void client.invalidateQueries({ queryKey: [changed] });
      }
    },
  });
}
