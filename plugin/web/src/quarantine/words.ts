/** A file in quarantine in words. Pure. */
import type { Quarantined } from "../api/quarantine";
import { known, t } from "../i18n";
import { personName } from "../i18n/person";

export const STATES = ["waiting", "given", "discarded", "all"] as const;
export const CODES = ["study_of_another_patient", "moved_out", "rejected_image", "same_uid_other_content", "invalid_uid", "nested_too_deep", "too_many_elements", "malformed", "damaged", "own_document"] as const;

/** "Okafor, Ada · MR brain", or what else names it. */
export function fileTitle({ said, sha256 }: Pick<Quarantined, "said" | "sha256">): string {
  const parts = [personName(said.PatientName), said.StudyDescription || said.Modality].filter(Boolean);
  return parts.join(" · ") || said.PatientID || sha256.slice(0, 12);
}

export function whyWords(code: string): string {
  return known("quarantine.why", code) ?? known("problem", code) ?? code;
}

/** What follows when a file becomes this patient's. */
export function consequence(file: Pick<Quarantined, "code" | "study">, patientId: string, orderId: string | null): string {
  const study = file.study;
  const joins = study !== null && study.patient_id === patientId && (orderId === null || study.order_ids.includes(orderId));
  if (study !== null && !joins) return t("quarantine.give.moves");
  return t(["same_uid_other_content", "moved_out"].includes(file.code) ? "quarantine.give.own_uid" : "quarantine.give.joins");
}
