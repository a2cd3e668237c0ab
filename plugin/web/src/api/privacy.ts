/** Restricted patients: who may see them, and who opened one in an emergency. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./context";
import { asPage, PAGE_SIZE } from "./queries";
import type { GlassAnswer, RestrictionAnswer, OpennessAnswer } from "./schema";

export type Restriction = RestrictionAnswer;
export type Opening = GlassAnswer;

/** Whom somebody wants to see: by one of these. */
export type Named = { patient_id: string } | { order_id: string } | { study_instance_uid: string };

export function useRestrictions(offset: number) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["restrictions", { offset }],
    queryFn: async ({ signal }) => asPage<Restriction>(await ask("access/restrictions", { query: { limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useOpenings(reviewed: "" | "no", offset: number) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["openings", { reviewed, offset }],
    queryFn: async ({ signal }) => asPage<Opening>(await ask("access/break-glass", { query: { reviewed, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useStanding(patientId: string | null) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["standing", patientId],
    enabled: patientId !== null,
    retry: false,
    queryFn: ({ signal }) => ask<OpennessAnswer>(`access/patients/${encodeURIComponent(patientId ?? "")}`, { signal }),
  });
}

export function useRestrict() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ patient, reason, staff }: { patient: string; reason: string; staff: readonly string[] }) =>
      ask<Restriction>(`access/restrictions/${encodeURIComponent(patient)}`, { method: "PUT", body: { reason, staff } }),
    onSettled: () => void client.invalidateQueries(),
  });
}

export function useRelease() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (patient: string) => ask<undefined>(`access/restrictions/${encodeURIComponent(patient)}`, { method: "DELETE" }),
    onSettled: () => void client.invalidateQueries(),
  });
}

/** Opens a restricted patient to who asks, for a time; what was refused is asked again. */
export function useOpenInEmergency() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Named & { reason: string; minutes: number }) => ask<Opening>("access/break-glass", { method: "POST", body }),
    onSuccess: () => void client.invalidateQueries(),
  });
}

export function useReview() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) => ask<Opening>(`access/break-glass/${encodeURIComponent(id)}/review`, { method: "POST", body: note ? { note } : {} }),
    onSettled: () => void client.invalidateQueries({ queryKey: ["openings"] }),
  });
}
