/** What others do is seen without a reload: one small question every two seconds, and the rest only where something has changed. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useApi } from "./context";
import type * as schema from "./schema";

const EVERY_MS = 2000;
/** The number stands still while the server's worker is at a long piece of work: after this time the lists are read anyway. */
export const AT_LATEST_MS = 60_000;
/** What the pages show of the day; a page on which somebody writes looks for itself. */
const SHOWN = ["orders", "counts", "dashboard", "notices"];

/** While the page can be seen. */
export function useLive(enabled: boolean): void {
  const { ask } = useApi();
  const client = useQueryClient();
  const tag = useRef("");
  const read = useRef(Date.now());
  useQuery({
    queryKey: ["change"],
    enabled,
    refetchInterval: EVERY_MS,
    refetchIntervalInBackground: false,
    staleTime: 0,
    retry: false,
    queryFn: async ({ signal }) => {
      const known = tag.current;
      const changed = await ask<schema.ChangeNumberAnswer | undefined>("day/change", {
        signal,
        ...(known ? { headers: { "If-None-Match": known } } : {}),
        onTag: (its) => (tag.current = its),
      });
      if ((changed && known) || Date.now() - read.current >= AT_LATEST_MS) {
        read.current = Date.now();
        for (const key of SHOWN) void client.invalidateQueries({ queryKey: [key] });
      }
      return tag.current;
    },
  });
}

export type Counts = schema.CountsAnswer;

/** How much waits today, for the menu. */
export function useCounts(enabled: boolean): Counts | null {
  const { ask } = useApi();
  const now = new Date();
  const at = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
  const [from, to] = [at(0), at(1)];
  const { data } = useQuery({ queryKey: ["counts", from], enabled, queryFn: ({ signal }) => ask<Counts>("day/counts", { query: { from, to }, signal }) });
  return data ?? null;
}
