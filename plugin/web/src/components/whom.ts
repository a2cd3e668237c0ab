/** Who somebody is, from whatever names them. Pure. */
import type { Candidate } from "../api/reconciliation";
import type { PersonAnswer } from "../api/schema";
import type { Patient } from "../api/types";
import { personName } from "../i18n/person";

export interface Whom {
  /** As DICOM writes names. */
  name: string | null;
  /** An ISO date. */
  birthDate: string | null;
  /** FHIR's administrative gender. */
  sex: string;
  mrn: string | null;
  /** The assigning authority that gave the MRN. */
  issuer: string | null;
}

/** What files say of somebody, who may not be known to anybody. */
export interface SaidOf {
  patientName: string;
  birthDate: string;
  sex: string;
}

/** As all answers that name somebody do. */
export type Named = Pick<PersonAnswer, "mrn" | "issuer" | "patient_name" | "patient_birth_date" | "patient_sex">;

const SEX: Record<string, string> = { M: "male", F: "female", O: "other" };

/** In the order in which DICOM writes them (PS3.5 section 6.2.1). */
export const NAME_PARTS = ["family_name", "given_name", "middle_name", "prefix", "suffix"] as const;

export function nameOf(patient: Pick<Patient, (typeof NAME_PARTS)[number]>): string {
  return NAME_PARTS.map((part) => patient[part] ?? "")
    .join("^")
    .replace(/\^+$/, "");
}

export function ofPatient(patient: Patient): Whom {
  return { name: nameOf(patient), birthDate: patient.birth_date, sex: patient.sex, mrn: patient.mrn, issuer: patient.issuer };
}

/** Whom an order, a study or whatever else names. */
export function ofNamed(named: Named): Whom {
  return { name: named.patient_name, birthDate: named.patient_birth_date, sex: named.patient_sex, mrn: named.mrn, issuer: named.issuer };
}

export function ofCandidate(candidate: Candidate): Whom {
  return { name: candidate.patient_name, birthDate: candidate.birth_date, sex: candidate.sex, mrn: candidate.mrn, issuer: candidate.issuer };
}

export function ofFiles({ patientName, birthDate, sex }: SaidOf): Whom {
  return { name: patientName, birthDate: isoDate(birthDate), sex: SEX[sex] ?? "unknown", mrn: null, issuer: null };
}

/** The same by DICOM keyword. */
export function ofSaid(said: Readonly<Record<string, string>>): Whom {
  return ofFiles({ patientName: said.PatientName ?? "", birthDate: said.PatientBirthDate ?? "", sex: said.PatientSex ?? "" });
}

/** DICOM's 20260131 as 2026-01-31; null for what is none. */
export function isoDate(value: string): string | null {
  const found = /^(\d{4})(\d{2})(\d{2})$/.exec(value);
  return found ? `${found[1]}-${found[2]}-${found[3]}` : null;
}

/** Whether somebody else in a list is shown under the same name; of those without a number nobody knows. */
export function namesakes(list: readonly Whom[]): (whom: Whom) => boolean {
  const numbers = new Map<string, Set<string>>();
  for (const { name, mrn, issuer } of list) {
    const key = shownName(name);
    if (key && mrn) numbers.set(key, (numbers.get(key) ?? new Set()).add(JSON.stringify([mrn, issuer])));
  }
  return ({ name }) => (numbers.get(shownName(name))?.size ?? 0) > 1;
}

function shownName(name: string | null): string {
  return personName(name).toLocaleLowerCase();
}
