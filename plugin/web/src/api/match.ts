/** What the server would decide about studies before they are sent. */
import { useQuery } from "@tanstack/react-query";
import { useServices } from "../services";
import { ApiError, isRecord } from "./errors";
import type { Match } from "./types";

/** DICOM strings of a study's first file. */
export interface MatchHeader {
  ref: string;
  patient_id: string;
  patient_name: string;
  patient_birth_date: string;
  patient_sex: string;
  accession_number: string;
  study_instance_uid: string;
  modality: string;
  study_date: string;
}

export interface Prediction extends Match {
  /** Whether the server would link it without a person. */
  automatic: boolean;
}

/** At most this many are asked for at once. */
const AT_ONCE = 500;

/** By `ref`; null where the server gives no predictions, to this person or at all. */
export function usePredictions(headers: readonly MatchHeader[], wished: boolean) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["match", headers],
    enabled: wished && headers.length > 0,
    staleTime: 60_000,
    // These are people's names: not kept longer than they are looked at.
    gcTime: 0,
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, Prediction> | null> => {
      try {
        const answer = await ask("match", { method: "POST", body: { items: headers.slice(0, AT_ONCE) }, signal });
        return readPredictions(answer);
      } catch (error) {
        if (error instanceof ApiError && (error.status === 403 || error.status === 404 || error.status === 405)) return null;
        throw error;
      }
    },
  });
}

export function readPredictions(answer: unknown): ReadonlyMap<string, Prediction> {
  const items = isRecord(answer) && Array.isArray(answer.items) ? answer.items.filter(isRecord) : [];
  const found = new Map<string, Prediction>();
  for (const { ref, match } of items) {
    if (typeof ref !== "string" || !isRecord(match) || typeof match.kind !== "string") continue;
    found.set(ref, {
      kind: match.kind,
      score: typeof match.score === "number" ? match.score : null,
      evidence: Array.isArray(match.evidence) ? (match.evidence as Match["evidence"]) : [],
      patient_id: typeof match.patient_id === "string" ? match.patient_id : null,
      order_id: typeof match.order_id === "string" ? match.order_id : null,
      automatic: match.automatic === true,
    });
  }
  return found;
}
