/** Studies without a certain link, and what a person says about them. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { newKey } from "./desk";
import { asPage, PAGE_SIZE } from "./queries";
import type * as schema from "./schema";
import type { Job } from "./types";

export type Reconciliation = schema.ReconciliationAnswer;
export type Candidate = schema.CandidateAnswer;
export type CreatePatient = schema.CreatePatientBody;
export type NewOrder = schema.NewOrderBody;
export type Difference = schema.DifferenceAnswer;

const AGAIN_MS = 15_000;
/** While one of them is being changed: the mark must not outlast it. */
const SOON_MS = 2_000;

export function useReconciliations({ linkStatus, modality, offset }: { linkStatus: string; modality: string; offset: number }) {
  const { ask } = useApi();
  const query = { link_status: linkStatus, modality, limit: PAGE_SIZE, offset };
  return useQuery({
    queryKey: ["reconciliation", "list", query],
    queryFn: async ({ signal }) => asPage<Reconciliation>(await ask("reconciliation", { query, signal })),
    placeholderData: keepPreviousData,
    // Others decide at the same time.
    refetchInterval: ({ state }) => (state.data?.items.some(({ job }) => job !== null) ? SOON_MS : AGAIN_MS),
  });
}

/** One study, linked or not, with whom it could belong to. */
export function useReconciliation(uid: string, enabled = true) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["reconciliation", "one", uid],
    enabled,
    queryFn: ({ signal }) => ask<Reconciliation>(`reconciliation/${encodeURIComponent(uid)}`, { signal }),
  });
}

export type Verdict =
  | { kind: "link"; order_id?: string; order_ids?: string[]; patient_id?: string }
  | { kind: "unlink" }
  | ({ kind: "create-order"; patient_id: string } & Partial<NewOrder>);

export interface Decided {
  verdict: Verdict;
  reason: string;
  /** The version of the study that was looked at. */
  expected: string;
}

/** Says whose a study is. Whatever comes of it, the study is looked at again: somebody else may have been first. */
export function useDecideLink(uid: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ verdict: { kind, ...whom }, reason, expected }: Decided): Promise<Job> => {
      const path = `reconciliation/${encodeURIComponent(uid)}/${kind}`;
      const answer = await ask<Job | { job: Job }>(path, { method: "POST", body: { ...whom, reason, expected } });
      return "job" in answer ? answer.job : answer;
    },
    onSettled: () => void client.invalidateQueries({ queryKey: ["reconciliation"] }),
  });
}

/** The studies that wait and whose images have this name. */
export function useWaitingOf(name: string, enabled: boolean) {
  const { ask } = useApi();
  const query = { patient_name: name, limit: PAGE_SIZE };
  return useQuery({
    queryKey: ["reconciliation", "list", query],
    enabled: enabled && name !== "",
    queryFn: async ({ signal }) => asPage<Reconciliation>(await ask("reconciliation", { query, signal })),
  });
}

/** Links several studies, one after the other; how many of them the server has taken. */
export function useLinkTogether() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (decisions: readonly (Decided & { uid: string })[]) => {
      let taken = 0;
      for (const { uid, verdict: { kind, ...whom }, reason, expected } of decisions) {
        try {
          const body = { ...whom, reason, expected, is_one_of_several: true };
          await ask(`reconciliation/${encodeURIComponent(uid)}/${kind}`, { method: "POST", body });
          taken += 1;
        } catch {
          // It waits on: somebody else was faster, or the server does not agree any more.
        }
      }
      return { taken, asked: decisions.length };
    },
    onSettled: () => void client.invalidateQueries({ queryKey: ["reconciliation"] }),
  });
}

/** Registers the missing patient of a study and links it; once, even if the answer is lost and it is asked for again. */
export function useCreatePatient(uid: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  const [key] = useState(newKey);
  return useMutation({
    mutationFn: (body: CreatePatient) =>
      ask<schema.CreatedPatientAnswer>(`reconciliation/${encodeURIComponent(uid)}/create-patient`, { method: "POST", body, headers: { "Idempotency-Key": key } }),
    onSettled: () => {
      askAgain(client, "reconciliation");
    },
  });
}

/** The study beside somebody it could be given to, as beside a candidate. */
export function useCompared(uid: string, { patient_id, order_id }: { patient_id?: string; order_id?: string }) {
  const { ask } = useApi();
  const query = { ...(patient_id && { patient_id }), ...(order_id && { order_id }) };
  return useQuery({
    queryKey: ["reconciliation", "compared", uid, query],
    queryFn: ({ signal }) => ask<Candidate>(`reconciliation/${encodeURIComponent(uid)}/compare`, { query, signal }),
  });
}
