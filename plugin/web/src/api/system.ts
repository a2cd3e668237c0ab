/** How the installation is, and what waits for somebody. */
import { useQuery } from "@tanstack/react-query";
import { useServices } from "../services";
import { asPage } from "./queries";
import type { HealthAnswer, SystemAnswer } from "./schema";

const AGAIN_MS = 15_000;

export function useHealth() {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => ask<HealthAnswer>("health", { signal }),
    refetchInterval: AGAIN_MS,
  });
}

/** How much is stored, what waits and what needs somebody; for those who may know. */
export function useSystem(enabled: boolean) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["system"],
    enabled,
    queryFn: ({ signal }) => ask<SystemAnswer>("system", { signal }),
    refetchInterval: AGAIN_MS,
  });
}

/** How many entries a list has, without its entries. */
export function useCount(path: string, query: Record<string, string>, enabled: boolean) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["count", path, query],
    enabled,
    queryFn: async ({ signal }) => asPage(await ask(path, { query: { ...query, limit: 1 }, signal })).total,
  });
}
