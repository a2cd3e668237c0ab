/** Who does an examination. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./context";
import type * as schema from "./schema";
import type { Order } from "./types";

export type DoingIt = schema.AssigneeAnswer;
const CHANGED = ["order", "orders"];

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
      for (const key of CHANGED) void client.invalidateQueries({ queryKey: [key] });
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
