/** What people at the desk do with patients and orders. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Ask } from "./client";
import type { Change } from "./changes";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { ApiError } from "./errors";
import { asPage } from "./queries";
import type * as schema from "./schema";
import type { Order, Patient } from "./types";

export type PatientBody = schema.PatientBody;
export type OrderBody = schema.OrderBody;
export type EmergencyBody = schema.EmergencyBody;
export type Emergency = schema.EmergencyAnswer;
export type MergePreview = schema.MergePreviewAnswer;
export type Station = schema.ModalityAnswer;

const MANY = 200;

/** One act, after which everything that it may have changed is asked for again; nothing of it is kept. */
function useAct<Asked, Answer>(act: (ask: Ask, asked: Asked) => Promise<Answer>) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation<Answer, Error, Asked>({
    mutationFn: (asked) => act(ask, asked),
    onSettled: () => {
      askAgain(client, "person");
    },
    gcTime: 0,
  });
}

/** Makes one thing, even if the answer is lost and it is asked for again. */
function useMake<Asked, Answer>(path: string) {
  const [key] = useState(newKey);
  return useAct<Asked, Answer>((ask, body) => ask<Answer>(path, { method: "POST", body, headers: { "Idempotency-Key": key } }));
}

/** `crypto.randomUUID` exists on https and localhost only. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const useRegisterPatient = () => useMake<PatientBody, Patient>("patients");
export const useRegisterEmergency = () => useMake<EmergencyBody, Emergency>("patients/emergency");
export const usePlaceOrder = () => useMake<OrderBody, Order>("orders");

/** Puts the whole in the place of what was `seen`. Throws ApiError `version_changed` when somebody changed it since. */
async function replace<Row extends { id: string; updated_at: string }>(ask: Ask, kind: string, seen: Row, body: unknown): Promise<Row> {
  let tag = "";
  // By its id: an address cannot carry a number with a slash.
  const path = `${kind}/${encodeURIComponent(seen.id)}`;
  const now = await ask<Row>(path, { onTag: (its) => (tag = its) });
  if (now.updated_at !== seen.updated_at) throw new ApiError(412, "version_changed");
  return ask<Row>(path, { method: "PUT", body, headers: { "If-Match": tag } });
}

export const useCorrectPatient = () => useAct<{ seen: Patient; body: PatientBody }, Patient>((ask, { seen, body }) => replace(ask, "patients", seen, body));

export const useCorrectOrder = () => useAct<{ seen: Order; body: OrderBody }, Order>((ask, { seen, body }) => replace(ask, "orders", seen, body));

export const useCancelOrder = (id: string) =>
  useAct<string, Order>((ask, reason) => ask<Order>(`orders/${encodeURIComponent(id)}/cancel`, { method: "POST", body: { reason: reason || null } }));

/** What merging one record into another would change; nothing is asked before both are known. */
export function useMergePreview(patientId: string, into: string | null) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["changes", "merge", patientId, into],
    enabled: into !== null,
    queryFn: ({ signal }) => ask<MergePreview>(`patients/${encodeURIComponent(patientId)}/merge/preview`, { method: "POST", body: { into }, signal }),
    staleTime: 0,
  });
}

export const useMerge = () =>
  useAct<{ patientId: string; into: string; reason: string }, Change>((ask, { patientId, into, reason }) =>
    ask<Change>(`patients/${encodeURIComponent(patientId)}/merge`, { method: "POST", body: { into, reason } }),
  );

export const useUndoChange = () =>
  useAct<{ id: string; reason: string }, Change>((ask, { id, reason }) => ask<Change>(`changes/${encodeURIComponent(id)}/undo`, { method: "POST", body: { reason } }));

/** What was changed of a patient and their orders, latest first. */
export function useChangesOf(patientId: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["changes", "patient", patientId],
    queryFn: async ({ signal }) => asPage<Change>(await ask("changes", { query: { patient: patientId, limit: 20 }, signal })),
  });
}

/** The modalities that ask for the worklist, as stations of an order; none where nobody may read them. */
export function useStations(): readonly Station[] {
  const { ask } = useApi();
  const { data } = useQuery({
    queryKey: ["modalities", "stations"],
    queryFn: async ({ signal }) => asPage<Station>(await ask("modalities", { query: { limit: MANY }, signal })).items.filter(({ may }) => may.includes("worklist")),
    staleTime: 60_000,
  });
  return data ?? [];
}
