/** Images that are not to be used: rejected with a reason, taken back, proposed by other systems. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { API_ROOT } from "./client";
import { useApi } from "./context";
import { useFetch } from "./files";
import type { RejectionAnswer } from "./schema";
import { useRefreshStudy } from "./study";

export type Rejection = RejectionAnswer;
export const REASONS = ["quality", "patient_safety", "wrong_worklist", "expired"] as const;

export interface RejectWish {
  reason: (typeof REASONS)[number];
  comment: string;
  series_instance_uid?: string;
  sop_instance_uids?: string[];
}

const MOST = 100;

export function useRejections(study: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["study", study, "rejections"],
    queryFn: async ({ signal }) => (await ask<{ items: Rejection[] }>("dicom/rejections", { query: { study, limit: MOST }, signal })).items,
    // Files that are still being moved are there a moment later.
    refetchInterval: ({ state }) => (state.data?.some(({ is_under_way: busy }) => busy) ? 2_000 : false),
  });
}

/** A picture of one of its images, from 1; whoever looks stands in the audit trail, so it is asked for once. */
export function useRejectedPicture(rejection: string, number: number, enabled: boolean) {
  const get = useFetch();
  return useQuery({
    queryKey: ["rejected-picture", rejection, number],
    enabled,
    retry: false,
    staleTime: Infinity,
    gcTime: 0,
    queryFn: async ({ signal }) => (await get(`${API_ROOT}/dicom/rejections/${encodeURIComponent(rejection)}/pictures/${number}`, "image/png", signal)).blob(),
  });
}

export function useReject(study: string) {
  const { ask } = useApi();
  const refresh = useRefreshStudy(study);
  return useMutation({
    mutationFn: ({ comment, ...wish }: RejectWish) =>
      ask<Rejection>(`dicom/studies/${encodeURIComponent(study)}/rejections`, { method: "POST", body: { ...wish, comment: comment.trim() || null } }),
    onSuccess: refresh,
  });
}

export function useDecideRejection(study: string) {
  const { ask } = useApi();
  const refresh = useRefreshStudy(study);
  return useMutation({
    mutationFn: ({ id, verb, reason }: { id: string; verb: "undo" | "agree" | "refuse"; reason?: string }) =>
      ask<Rejection>(`dicom/rejections/${encodeURIComponent(id)}/${verb}`, { method: "POST", body: reason ? { reason } : {} }),
    // Also after a refusal: somebody else may have decided.
    onSettled: refresh,
  });
}
