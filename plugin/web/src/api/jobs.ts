import { useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import type { Job } from "./types";

const AGAIN_MS = 1000;

export function hasEnded(job: Pick<Job, "status">): boolean {
  return job.status === "succeeded" || job.status === "partial" || job.status === "failed";
}

/** A job, asked for again every second until it has ended. */
export function useJob(id: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => ask<Job>(`jobs/${encodeURIComponent(id)}`, { signal }),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? false : AGAIN_MS),
  });
}
