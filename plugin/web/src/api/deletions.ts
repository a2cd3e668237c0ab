/** Deletion requests: asked for by one person, decided by another. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { asPage, PAGE_SIZE } from "./queries";
import type { DeletionAnswer } from "./schema";

export type Deletion = DeletionAnswer;
export type Decision = "approve" | "reject" | "withdraw" | "restore";

export function useDeletions({ status, offset }: { status: string; offset: number }) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["deletions", { status, offset }],
    queryFn: async ({ signal }) => asPage<Deletion>(await ask("deletions", { query: { status, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useDecide() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision, reason }: { id: string; decision: Decision; reason?: string }) =>
      ask<Deletion>(`deletions/${encodeURIComponent(id)}/${decision}`, {
        method: "POST",
        // An empty body is sent with a length; Orthanc refuses a POST that has neither.
        body: decision === "reject" && reason ? { reason } : {},
      }),
    // Also after a refusal: somebody else may have decided.
    onSettled: () => {
      askAgain(client, "deletion");
    },
  });
}
