/** What the server would decide about studies before they are sent. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { ApiError, isRecord } from "./errors";
import type { Difference } from "./reconciliation";
import type * as schema from "./schema";
import type { Match } from "./types";

/** A header, as DICOM strings, and what would be said with the files. */
export type MatchQuestion = Omit<schema.HeaderBody, "confirmation" | "requests"> & { confirmation?: Partial<schema.ConfirmationBody> };

export interface Prediction extends Match {
  /** Whether the server would link it without a person. */
  automatic: boolean;
  /** The study, where the server has images of it already. */
  study: schema.StudyHereAnswer | null;
  differences: Difference[];
  /** Why the server would not take the files. */
  refused: { code: string; message: string } | null;
}

export interface Predictions {
  /** The answer to a question; null where the server gives none, undefined while it is being asked. */
  of: (question: MatchQuestion) => Prediction | null | undefined;
}

/** At most this many are asked for at once. */
const AT_ONCE = 500;

/** The server's answers, each kept for as long as its question is asked. */
export function usePredictions(questions: readonly MatchQuestion[], wished: boolean): Predictions {
  const { ask } = useApi();
  const query = useQuery({
    queryKey: ["match", questions],
    enabled: wished && questions.length > 0,
    staleTime: 60_000,
    // These are people's names: not kept longer than they are looked at.
    gcTime: 0,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, Prediction>> => {
      const answers = new Map<string, Prediction>();
      try {
        for (let at = 0; at < questions.length; at += AT_ONCE) {
          const some = questions.slice(at, at + AT_ONCE);
          const answer = readPredictions(await ask("match", { method: "POST", body: { items: some }, signal }));
          for (const question of some) {
            const found = answer.get(question.ref);
            if (found) answers.set(keyOf(question), found);
          }
        }
      } catch (error) {
        // To this person, or by an older server, no predictions are given.
        if (!(error instanceof ApiError && [403, 404, 405].includes(error.status))) throw error;
      }
      return answers;
    },
  });
  return {
    of: (question) => query.data?.get(keyOf(question)) ?? (query.isFetching || !wished ? undefined : null),
  };
}

export function readPredictions(answer: unknown): ReadonlyMap<string, Prediction> {
  const items = isRecord(answer) && Array.isArray(answer.items) ? answer.items.filter(isRecord) : [];
  const found = new Map<string, Prediction>();
  for (const { ref, match, study, differences, refused } of items) {
    if (typeof ref !== "string" || !isRecord(match) || typeof match.kind !== "string") continue;
    found.set(ref, {
      kind: match.kind,
      score: typeof match.score === "number" ? match.score : null,
      evidence: Array.isArray(match.evidence) ? (match.evidence as Match["evidence"]) : [],
      patient_id: typeof match.patient_id === "string" ? match.patient_id : null,
      order_id: typeof match.order_id === "string" ? match.order_id : null,
      ...(Array.isArray(match.order_ids) && { order_ids: match.order_ids as string[] }),
      automatic: match.automatic === true,
      study: isRecord(study) ? (study as unknown as schema.StudyHereAnswer) : null,
      differences: Array.isArray(differences) ? (differences as Difference[]) : [],
      refused: isRecord(refused) ? (refused as { code: string; message: string }) : null,
    });
  }
  return found;
}

function keyOf(question: MatchQuestion): string {
  return JSON.stringify(question);
}
