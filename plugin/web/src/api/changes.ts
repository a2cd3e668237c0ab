/** Changes of patients and orders that ask a person something. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askAgain } from "./changed";
import { useApi } from "./context";
import type * as schema from "./schema";

export type Change = schema.ChangeAnswer;

export type Answer = "agree" | "refuse";

export function useChange(id: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["change", id],
    queryFn: ({ signal }) => ask<Change>(`changes/${encodeURIComponent(id)}`, { signal }),
  });
}

/** Says whether a corrected number is still the same person's. Whatever comes of it, everything is looked at again. */
export function useAnswerChange(id: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ answer, reason }: { answer: Answer; reason: string }) =>
      ask<Change>(`changes/${encodeURIComponent(id)}/${answer}`, { method: "POST", body: { reason } }),
    onSettled: () => {
      askAgain(client, "person");
    },
  });
}
