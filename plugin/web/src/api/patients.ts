import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useServices } from "../services";
import { asPage } from "./queries";
import type { Order, Patient, Study } from "./types";

const FEW = 8;

export function usePatient(id: string | null | undefined) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["patient", id],
    enabled: Boolean(id),
    queryFn: ({ signal }) => ask<Patient>(`patients/${encodeURIComponent(id ?? "")}`, { signal }),
  });
}

/** The few best patients for what was typed; nothing is asked before something is. */
export function usePatientSearch(q: string) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["patients", q],
    enabled: q !== "",
    queryFn: async ({ signal }) => asPage<Patient>(await ask("patients", { query: { q, limit: FEW }, signal })).items,
    placeholderData: keepPreviousData,
  });
}

export function useOrderSearch(q: string) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["orders", "search", q],
    enabled: q !== "",
    queryFn: async ({ signal }) => asPage<Order>(await ask("orders", { query: { q, limit: FEW }, signal })).items,
    placeholderData: keepPreviousData,
  });
}

/** What the archive has of a patient. */
export function usePatientStudies(patientId: string | null | undefined) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["studies", "patient", patientId],
    enabled: Boolean(patientId),
    queryFn: async ({ signal }) =>
      asPage<Study>(await ask(`dicom/studies/patient/${encodeURIComponent(patientId ?? "")}`, { query: { limit: 100 }, signal })).items,
  });
}
