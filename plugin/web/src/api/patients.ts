import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { asPage, firstOf, isPath, PAGE_SIZE } from "./queries";
import type { Order, Patient, Study } from "./types";

const FEW = 8;

export function usePatient(id: string | null | undefined) {
  return useNumberedPatient(id, "");
}

/** Several by their ids, as far as they are known by now. */
export function usePatientsById(ids: readonly string[]): Patient[] {
  const { ask } = useApi();
  return useQueries({
    queries: ids.map((id) => ({ queryKey: ["patient", id], queryFn: ({ signal }: { signal: AbortSignal }) => ask<Patient>(`patients/${encodeURIComponent(id)}`, { signal }) })),
  }).flatMap(({ data }) => (data ? [data] : []));
}

/** By a number of this issuer's; "" for an id, or where the issuer does not matter. */
export function useNumberedPatient(id: string | null | undefined, issuer: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: issuer ? ["patient", id, issuer] : ["patient", id],
    enabled: Boolean(id),
    queryFn: async ({ signal }) =>
      isPath(id ?? "")
        ? firstOf<Patient>(await ask("patients", { query: { patient: id ?? "", issuer, limit: 1 }, signal }))
        : ask<Patient>(`patients/${encodeURIComponent(id ?? "")}`, { query: { issuer }, signal }),
  });
}

/** Everybody whom these words find, page by page; all without words. */
export function usePatients(q: string, offset: number) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["patients", { q, offset }],
    queryFn: async ({ signal }) => asPage<Patient>(await ask("patients", { query: { q, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The few best patients for what was typed, and how many there are; nothing is asked before something is. */
export function usePatientSearch(q: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["patients", "search", q],
    enabled: q !== "",
    queryFn: async ({ signal }) => asPage<Patient>(await ask("patients", { query: { q, limit: FEW }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The few latest orders for what was typed, and how many there are; of some states, or of all. */
export function useOrderSearch(q: string, status = "") {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["orders", "search", q, status],
    enabled: q !== "",
    queryFn: async ({ signal }) => asPage<Order>(await ask("orders", { query: { q, status, limit: FEW }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The orders of a person, under every record that was merged with this one; latest first. */
export function useOrdersOf(patientId: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["orders", "patient", patientId],
    queryFn: async ({ signal }) => asPage<Order>(await ask("orders", { query: { patient: patientId, limit: PAGE_SIZE }, signal })).items,
  });
}

/** Whatever images can still be for. */
export const NOT_CANCELLED = "scheduled,arrived,in_progress,completed,reported";

/** What the archive has of a patient, the latest examination first; without a date last. */
export function usePatientStudies(patientId: string | null | undefined) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["studies", "patient", patientId],
    enabled: Boolean(patientId),
    queryFn: async ({ signal }) =>
      asPage<Study>(await ask(`dicom/studies/patient/${encodeURIComponent(patientId ?? "")}`, { query: { sort: "-study_date", limit: 100 }, signal })).items,
  });
}
