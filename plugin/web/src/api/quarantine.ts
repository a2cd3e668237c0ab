/** Files that are kept but not in the archive, and what people decide about them. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { asPage, PAGE_SIZE } from "./queries";
import type { Candidate } from "./reconciliation";
import type { QuarantineAnswer } from "./schema";

export type Quarantined = QuarantineAnswer;
export type Decision = "give" | "discard" | "reopen";

export interface QuarantineFilter {
  status: string;
  code: string;
  study: string;
  offset: number;
}

/** Whose a file is: a patient, and perhaps an order, which the EHR may give to another one meanwhile. */
export interface Target {
  patient_id: string;
  order_id?: string;
}

export function useQuarantine({ offset, ...filter }: QuarantineFilter) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["quarantine", { ...filter, offset }],
    queryFn: async ({ signal }) =>
      asPage<Quarantined>(await ask("quarantine", { query: { ...filter, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** A file beside somebody it could be given to. */
export function useFileCompared(id: string, target: Target) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["quarantine", "compared", id, target],
    queryFn: ({ signal }) => ask<Candidate>(`quarantine/${encodeURIComponent(id)}/compare`, { query: { ...target }, signal }),
  });
}

export function useDecideFile() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision, reason, target }: { id: string; decision: Decision; reason: string; target?: Target }) =>
      ask<Quarantined>(`quarantine/${encodeURIComponent(id)}/${decision}`, { method: "POST", body: { reason, ...target } }),
    // Also after a refusal: somebody else may have decided.
    onSettled: () => {
      askAgain(client, "quarantine");
    },
  });
}
