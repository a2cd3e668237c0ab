/** Moving some images of a study to another patient or order. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useApi } from "./context";
import { newKey } from "./desk";
import type * as schema from "./schema";
import type { Job } from "./types";

export type Split = schema.SplitAnswer;

/** Which images, and whose they are. */
export interface SplitWish {
  series: string[];
  instances: string[];
  order_id?: string;
  patient_id?: string;
}

const of = (uid: string) => `reconciliation/${encodeURIComponent(uid)}/split`;

/** What it would do; nothing is changed. */
export function useCompareSplit(uid: string, wish: SplitWish) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["reconciliation", "split", uid, wish],
    gcTime: 0,
    queryFn: ({ signal }) => ask<Split>(`${of(uid)}/compare`, { method: "POST", body: wish, signal }),
  });
}

export function useSplit(uid: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  const [key] = useState(newKey);
  return useMutation({
    mutationFn: (body: SplitWish & { reason: string; expected: string }) => ask<Job>(of(uid), { method: "POST", body, headers: { "Idempotency-Key": key } }),
    onSettled: () => void client.invalidateQueries({ queryKey: ["reconciliation"] }),
  });
}
