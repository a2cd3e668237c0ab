import type { ReactNode } from "react";
import { useDecideLink, type Candidate } from "../api/reconciliation";
import { Problem } from "../components/Problem";
import { isPlain, ofCandidate, reasonOf, type Choice } from "./choice";

export interface Accepting {
  /** Link to a candidate; asks first where something speaks against it, or the study is somebody's already. */
  take: (candidate: Candidate, version: string, isLinked?: boolean) => void;
  isPending: boolean;
  /** What went wrong: most often that somebody else was first, and who. */
  first: ReactNode;
}

export function useAccept(uid: string, ask: (choice: Choice) => void, onStarted: (jobId: string) => void): Accepting {
  const decide = useDecideLink(uid);
  const take: Accepting["take"] = (candidate, version, isLinked = false) => {
    if (decide.isPending) return;
    const choice = ofCandidate(candidate);
    if (isLinked || !isPlain(candidate)) {
      ask(choice);
      return;
    }
    decide.mutate(
      { verdict: choice.verdict, reason: reasonOf(candidate), expected: version },
      { onSuccess: (job) => onStarted(job.id) },
    );
  };
  return { take, isPending: decide.isPending, first: decide.error && <Problem error={decide.error} /> };
}
