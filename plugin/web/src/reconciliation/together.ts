/** Other waiting studies whose images name the same person, and what one decision does for each of them. Pure. */
import type { Candidate, Reconciliation, Verdict } from "../api/reconciliation";
import { isPlain, ofCandidate, reasonOf } from "./choice";

export interface Together {
  item: Reconciliation;
  /** The patient's candidate that nothing speaks against; null: it is left out, a person decides about it alone. */
  candidate: Candidate | null;
}

/** Its images name, or may name, another patient: what they say must be seen, so it is never decided along with others. */
export const isDoubted = ({ why }: Reconciliation): boolean => why === "contradicted" || why === "withheld";

const NAMING = ["PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex"] as const;

/** Whether two studies say the same of their patient, and say enough to be about one person. */
export function namesTheSame(one: Reconciliation["received"], other: Reconciliation["received"]): boolean {
  const says = (of: Reconciliation["received"], keyword: string) => (of[keyword] ?? "").trim();
  const isEnough = says(one, "PatientID") !== "" && says(one, "PatientName") !== "";
  return isEnough && NAMING.every((keyword) => says(one, keyword) === says(other, keyword));
}

/** Of those that wait, those that name the same person as `item`, each with its candidate of the patient that was chosen. */
export function together(item: Reconciliation, waiting: readonly Reconciliation[], patientId: string): Together[] {
  if (isDoubted(item)) return [];
  const others = waiting.filter((each) => each.study.study_instance_uid !== item.study.study_instance_uid && each.job === null && namesTheSame(item.received, each.received));
  const agreed = (each: Reconciliation) => each.candidates.find((one) => one.patient_id === patientId && isPlain(one)) ?? null;
  return others.map((each) => ({ item: each, candidate: isDoubted(each) ? null : agreed(each) }));
}

/** What is sent for one of them: it is checked by the server like any other, and refused when it has changed since. */
export function decisionOf({ item, candidate }: Together): { uid: string; verdict: Verdict; reason: string; expected: string } | null {
  if (candidate === null) return null;
  return { uid: item.study.study_instance_uid, verdict: ofCandidate(candidate).verdict, reason: reasonOf(candidate), expected: item.version };
}
