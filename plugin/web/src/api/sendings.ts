/** Studies that are sent to modalities. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./context";
import { hasEnded } from "./jobs";
import type { Modality } from "./modalities";
import type * as schema from "./schema";
import type { Page } from "./types";

export type Sending = schema.SendingAnswer;

const AGAIN_MS = 1000;
const keyOf = (uid: string) => ["study", uid, "sendings"];

/** The modalities that may be sent images, by AE title. */
export function useReceivers() {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["modalities", "send_to"],
    queryFn: async ({ signal }) => (await ask<Page<Modality>>("modalities", { query: { may: "send_to", limit: 500 }, signal })).items,
  });
}

/** The last time that a study was sent somewhere; asked for again every second until that has ended. */
export function useLastSending(uid: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: keyOf(uid),
    queryFn: async ({ signal }) => (await ask<Page<Sending>>(`dicom/studies/${encodeURIComponent(uid)}/sendings`, { query: { limit: 1 }, signal })).items[0] ?? null,
    refetchInterval: ({ state }) => (state.data && !hasEnded(state.data) ? AGAIN_MS : false),
  });
}

export function useCancelSending(uid: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask<Sending>(`sendings/${encodeURIComponent(id)}/cancel`, { method: "POST" }),
    onSettled: () => client.invalidateQueries({ queryKey: keyOf(uid) }),
  });
}

export function useSend(uid: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (aeTitle: string) => ask<Sending>(`dicom/studies/${encodeURIComponent(uid)}/send`, { method: "POST", body: { ae_title: aeTitle } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keyOf(uid) }),
  });
}
