/** Who does an examination. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askAgain } from "./changed";
import { useApi } from "./context";
import type * as schema from "./schema";
import type { Order } from "./types";

export type DoingIt = schema.AssigneeAnswer;

interface Assigned {
  /** By user name; null: the caller. */
  to: string | null;
  takeOver: boolean;
}

/** Give the examination of an order to somebody, or take it; null gives it back. */
export function useAssign(orderId: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  const path = `orders/${encodeURIComponent(orderId)}/assignment`;
  return useMutation<Order, Error, Assigned | null>({
    mutationFn: (asked) =>
      asked ? ask<Order>(path, { method: "POST", body: { assigned_to: asked.to, take_over: asked.takeOver } }) : ask<Order>(path, { method: "DELETE" }),
    onSettled: () => {
      askAgain(client, "order");
    },
    gcTime: 0,
  });
}

/** Those who can be given an examination. */
export function usePeople(enabled: boolean): readonly DoingIt[] {
  const { ask } = useApi();
  const { data } = useQuery({
    queryKey: ["people"],
    enabled,
    queryFn: async ({ signal }) => (await ask<{ items: DoingIt[] }>("day/people", { signal })).items,
    staleTime: 60_000,
  });
  return data ?? [];
}

export type OrderView = schema.ViewAnswer;
export type ViewBody = schema.ViewBody;
export type Choice = schema.ChoiceAnswer;

/** One's own views of the list, and those that are shared. */
export function useViews(): { views: readonly OrderView[]; isKnown: boolean } {
  const { ask } = useApi();
  const { data, isError } = useQuery({
    queryKey: ["views"],
    queryFn: async ({ signal }) => (await ask<{ items: OrderView[] }>("day/views", { signal })).items,
    staleTime: 60_000,
  });
  return { views: data ?? [], isKnown: Boolean(data) || isError };
}

/** What one has chosen for the list; undefined: not known yet. The list does not wait for ever. */
export function useChoice(): Choice | undefined {
  const { ask } = useApi();
  const { data, isError } = useQuery({ queryKey: ["choice"], queryFn: ({ signal }) => ask<Choice>("day/choices", { signal }), staleTime: 60_000 });
  return data ?? (isError ? { view_id: null, columns: null } : undefined);
}

export function useChoose() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation<Choice, Error, Choice>({
    mutationFn: (body) => ask<Choice>("day/choices", { method: "PUT", body }),
    onSuccess: (now) => client.setQueryData(["choice"], now),
    gcTime: 0,
  });
}

/** Save a new view, or one that was seen; null removes it. */
export function useSaveView() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation<OrderView | null, Error, { id: string | null; body: ViewBody | null }>({
    mutationFn: async ({ id, body }) => {
      const path = id ? `day/views/${encodeURIComponent(id)}` : "day/views";
      if (body) return ask<OrderView>(path, { method: id ? "PUT" : "POST", body });
      await ask(path, { method: "DELETE" });
      return null;
    },
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ["views"] });
      void client.invalidateQueries({ queryKey: ["choice"] });
    },
    gcTime: 0,
  });
}
