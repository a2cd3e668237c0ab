/** Which tags a person may correct by hand, and what of a form is a change. Pure. */
import type { Tag } from "../api/study";
import type { Study } from "../api/types";
import { isSame } from "../corrections/values";

/** What the link of a study says; it is corrected by linking the study to somebody else. */
const OF_THE_PATIENT = ["PatientID", "PatientName", "PatientBirthDate", "PatientSex"];
const OF_THE_ORDER = ["AccessionNumber"];

export interface Correctable {
  tag: string;
  value: string;
  /** Why it cannot be corrected here, or null. */
  fixedBy: "patient" | "order" | null;
}

export function correctable(study: Pick<Study, "patient_id" | "order_id">, tags: readonly Tag[]): Correctable[] {
  return tags
    .filter((tag) => tag.is_modifiable)
    .map(({ tag, value }) => ({
      tag,
      value,
      fixedBy: study.patient_id && OF_THE_PATIENT.includes(tag) ? "patient" : study.order_id && OF_THE_ORDER.includes(tag) ? "order" : null,
    }));
}

/** The fields whose value is another one than before. */
export function changesOf(fields: readonly Correctable[], typed: Readonly<Record<string, string>>): Record<string, string> {
  const changed = fields.filter(({ tag, value, fixedBy }) => fixedBy === null && !isSame(tag, typed[tag] ?? value, value));
  return Object.fromEntries(changed.map(({ tag }) => [tag, typed[tag] ?? ""]));
}
