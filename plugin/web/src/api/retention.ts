/** Retention: what rules propose for deletion, and the batches of requests that people make of it. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askAgain } from "./changed";
import { useApi } from "./context";
import type { BatchAnswer, BatchDoneAnswer, BatchesAnswer, ProposalsAnswer, ProposedStudy } from "./schema";

export type Batch = BatchAnswer;
export type Done = BatchDoneAnswer;
export type Proposals = ProposalsAnswer;
export type Proposed = ProposedStudy;
export type BatchDecision = "approve" | "reject" | "withdraw";

export interface Rules {
  /** As people write them: `CT=10, any=30`. */
  rules: string;
  least_age: string;
}

/** How many studies are shown, and requested at once. */
export const AT_ONCE = 100;

export function useProposals({ rules, least_age }: Rules) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["retention", "proposals", { rules, least_age }],
    queryFn: ({ signal }) => ask<Proposals>("retention/proposals", { query: { rules, least_age, limit: AT_ONCE }, signal }),
    enabled: rules !== "",
    placeholderData: keepPreviousData,
  });
}

export function useRequestBatch() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ rules, least_age, seen_at, studies, reason }: Rules & { seen_at: string; studies: string[]; reason: string }) =>
      ask<Done>("retention/batches", { method: "POST", body: { rules, least_age: Number(least_age), seen_at, study_instance_uids: studies, reason } }),
    onSettled: () => askAgain(client, "deletion"),
  });
}

export function useBatches() {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["retention", "batches"],
    queryFn: async ({ signal }) => (await ask<BatchesAnswer>("retention/batches", { signal })).batches,
  });
}

export function useDecideBatch() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ batch, decision, reason }: { batch: Batch; decision: BatchDecision; reason?: string }) =>
      ask<Done>(`retention/batches/${encodeURIComponent(batch.batch_id)}/${decision}`, {
        method: "POST",
        body: { number_of_studies: batch.number_of_studies, ...(decision === "reject" && reason ? { reason } : {}) },
      }),
    // Also after a refusal: somebody else may have decided.
    onSettled: () => askAgain(client, "deletion"),
  });
}
