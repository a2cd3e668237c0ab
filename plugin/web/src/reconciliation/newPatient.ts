/** What the images say of a patient whom nobody has registered, and what of it a person has confirmed. Pure. */
import type { CreatePatient, Reconciliation } from "../api/reconciliation";
import type { Sex, TypedPatient } from "../desk/typed";

export interface NewPatient extends TypedPatient {
  /** "" for a number that is given here. */
  mrn: string;
  with_order: boolean;
  /** "" for a number that is given here. */
  accession_number: string;
  description: string;
}

export type Confirmable = Exclude<keyof NewPatient, "issuer" | "with_order" | "reason">;

const NAME = ["family_name", "given_name", "middle_name", "prefix", "suffix"] as const;
const SEXES: Readonly<Record<string, Sex>> = { F: "female", M: "male", O: "other" };

export function fromStudy({ received, study }: Reconciliation): NewPatient {
  const [alphabetic = ""] = (received.PatientName ?? "").split("=");
  const parts = alphabetic.split("^").map((part) => part.trim());
  const date = /^(\d{4})(\d{2})(\d{2})$/.exec((received.PatientBirthDate ?? "").trim());
  const accession = (received.AccessionNumber ?? "").trim();
  return {
    mrn: (received.PatientID ?? "").trim(),
    family_name: parts[0] ?? "",
    given_name: parts[1] ?? "",
    middle_name: parts[2] ?? "",
    prefix: parts[3] ?? "",
    suffix: parts[4] ?? "",
    birth_date: date ? `${date[1]}-${date[2]}-${date[3]}` : "",
    sex: SEXES[(received.PatientSex ?? "").trim().toUpperCase()] ?? "unknown",
    issuer: "",
    with_order: accession !== "",
    accession_number: accession,
    description: study.study_description ?? "",
    reason: "",
  };
}

/** The fields that are shown: parts of a name that the images do not have are left out. */
export function shownOf(said: NewPatient, typed: NewPatient): readonly Confirmable[] {
  const rare = (["middle_name", "prefix", "suffix"] as const).filter((part) => said[part] !== "");
  const ofOrder: readonly Confirmable[] = typed.with_order ? ["accession_number", "description"] : [];
  return ["family_name", "given_name", ...rare, "birth_date", "sex", "mrn", ...ofOrder];
}

/** Those that nobody has confirmed yet, in the order in which they are shown. */
export function unconfirmed(shown: readonly Confirmable[], confirmed: ReadonlySet<Confirmable>): readonly Confirmable[] {
  return shown.filter((field) => !confirmed.has(field));
}

export function bodyOf(typed: NewPatient, expected: string): CreatePatient {
  const text = (value: string) => value.trim() || null;
  const names = Object.fromEntries(NAME.map((part) => [part, text(typed[part])])) as Record<(typeof NAME)[number], string | null>;
  return {
    mrn: text(typed.mrn),
    patient: { ...names, birth_date: text(typed.birth_date), sex: typed.sex, issuer: text(typed.issuer) },
    order: typed.with_order ? { accession_number: text(typed.accession_number), description: text(typed.description), modality: null, ordered_by: null, scheduled_at: null } : null,
    reason: typed.reason.trim(),
    expected,
  };
}
