/** How the installation is, and what waits for somebody. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./context";
import { asPage } from "./queries";
import type { HealthAnswer, JobAnswer, SystemAnswer } from "./schema";

const AGAIN_MS = 15_000;

export function useHealth() {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => ask<HealthAnswer>("health", { signal }),
    refetchInterval: AGAIN_MS,
  });
}

/** How much is stored, what waits and what needs somebody; for those who may know. */
export function useSystem(enabled: boolean) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["system"],
    enabled,
    queryFn: ({ signal }) => ask<SystemAnswer>("system", { signal }),
    refetchInterval: AGAIN_MS,
  });
}

export type JobDecision = "retry" | "give-up";

/** Say what becomes of a job that failed by what nobody foresaw, or is stuck. */
export function useDecideOnJob(id: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ decision, reason }: { decision: JobDecision; reason: string }) =>
      ask<JobAnswer>(`jobs/${encodeURIComponent(id)}/${decision}`, { method: "POST", body: { reason } }),
    onSettled: () => {
      for (const key of ["system", "health", "job", "study"]) void client.invalidateQueries({ queryKey: [key] });
    },
  });
}

/** How many entries a list has, without its entries. */
export function useCount(path: string, query: Record<string, string>, enabled: boolean) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["count", path, query],
    enabled,
    queryFn: async ({ signal }) => asPage(await ask(path, { query: { ...query, limit: 1 }, signal })).total,
  });
}
