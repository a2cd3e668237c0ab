/**
 * Whom a person has in mind for a study, and what pressing a key means. Pure.
 *
 * An order is said together with the patient it was shown with: the EHR may give it to another one meanwhile.
 */
import type { Candidate, Verdict } from "../api/reconciliation";
import type { Order, Patient, Study } from "../api/types";
import { rowsOf } from "../components/comparison";
import { ofCandidate as whomOfCandidate, ofNamed, ofPatient as whomOfPatient, type Whom } from "../components/whom";
import { formatList, t } from "../i18n";
import { fieldName } from "../i18n/fieldName";

export interface Choice {
  verdict: Verdict;
  whom: Whom;
  accession: string | null;
}

export function ofCandidate(candidate: Candidate): Choice {
  return {
    verdict: { kind: "link", patient_id: candidate.patient_id, ...(candidate.order_id && { order_id: candidate.order_id }) },
    whom: whomOfCandidate(candidate),
    accession: candidate.accession_number,
  };
}

export function ofOrder(order: Order): Choice {
  return {
    verdict: { kind: "link", patient_id: order.patient_id, order_id: order.id },
    whom: ofNamed(order),
    accession: order.accession_number,
  };
}

export function ofPatient(patient: Patient, kind: "link" | "create-order"): Choice {
  return { verdict: { kind, patient_id: patient.id }, whom: whomOfPatient(patient), accession: null };
}

/** The patient whom the study is linked to, for an order of theirs. */
export function ofLinked(study: Study): Choice | null {
  return study.patient_id ? { verdict: { kind: "create-order", patient_id: study.patient_id }, whom: ofNamed(study), accession: null } : null;
}

/** The same with further orders of the patient that the images answer; the number of the first one goes into the files. */
export function withFurther(verdict: Verdict, further: readonly string[]): Verdict {
  if (verdict.kind !== "link" || !verdict.order_id || further.length === 0) return verdict;
  return { ...verdict, order_ids: [verdict.order_id, ...further] };
}

/** Whether one key may be enough: nothing that was compared, and nothing that would be replaced, speaks against it. */
export function isPlain(candidate: Candidate): boolean {
  const isLikely = candidate.kind === "exact" || candidate.kind === "probable";
  const isContradicted = rowsOf(candidate.differences, candidate.evidence).some(({ mark }) => mark === "other" || mark === "unlike");
  return isLikely && !isContradicted && candidate.evidence.every(({ agrees }) => agrees !== false);
}

/** The reason of a choice that says its own: which fields agree. Names no patient. */
export function reasonOf(candidate: Candidate): string {
  const agreeing = [...new Set(candidate.evidence.filter(({ agrees }) => agrees).map(({ field }) => fieldName(field)))];
  return agreeing.length > 0 ? t("reconciliation.reason.agree", { fields: formatList(agreeing) }) : t("reconciliation.reason.plain");
}

export type Key = { kind: "choose"; at: number } | { kind: "accept" } | { kind: "create" } | { kind: "order" } | { kind: "search" } | { kind: "next" } | null;

/** What a key asks for: digits choose, "a" accepts, "p" creates a patient, "o" an order, "/" searches, "n" goes on. Nothing while somebody types or holds another key. */
export function meaningOf(event: { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; typing: boolean }): Key {
  if (event.ctrlKey || event.metaKey || event.altKey || event.typing) return null;
  if (/^[1-9]$/.test(event.key)) return { kind: "choose", at: Number(event.key) - 1 };
  if (event.key === "a") return { kind: "accept" };
  if (event.key === "p") return { kind: "create" };
  if (event.key === "o") return { kind: "order" };
  if (event.key === "/") return { kind: "search" };
  return event.key === "n" ? { kind: "next" } : null;
}

/** The study after this one in the list; the first where there is none, or null. */
export function nextOf(uids: readonly string[], current: string): string | null {
  const others = uids.filter((uid) => uid !== current);
  const after = uids.slice(uids.indexOf(current) + 1).find((uid) => uid !== current);
  return after ?? others[0] ?? null;
}
