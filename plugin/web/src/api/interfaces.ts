/** Messages of other systems: what came, what became of it, trying one out and applying one again. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { asPage, PAGE_SIZE } from "./queries";
import type { MessageAnswer, MessageSummary, SourceList, TrialAnswer } from "./schema";

export type Message = MessageSummary;
export type WholeMessage = MessageAnswer;
export type Trial = TrialAnswer;

export interface MessageFilter {
  state: string;
  source?: string;
  type: string;
  control_id: string;
  from: string;
  to: string;
  offset: number;
}

export function useMessages({ offset, ...filter }: MessageFilter) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["messages", { ...filter, offset }],
    queryFn: async ({ signal }) => asPage<Message>(await ask("hl7/messages", { query: { ...filter, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useMessage(id: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["messages", "one", id],
    queryFn: ({ signal }) => ask<WholeMessage>(`hl7/messages/${encodeURIComponent(id)}`, { signal }),
  });
}

export function useSources() {
  const { ask } = useApi();
  return useQuery({ queryKey: ["messages", "sources"], queryFn: ({ signal }) => ask<SourceList>("hl7/sources", { signal }) });
}

/** Nothing is kept of what is tried. */
export function useTrial() {
  const { ask } = useApi();
  return useMutation({
    mutationFn: (message: string) =>
      ask<Trial>("hl7/validate", { method: "POST", content: { type: "application/hl7-v2", text: message } }),
    gcTime: 0,
  });
}

export function useReplay() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask<WholeMessage>(`hl7/messages/${encodeURIComponent(id)}/replay`, { method: "POST" }),
    onSettled: () => {
      askAgain(client, "message");
    },
  });
}
