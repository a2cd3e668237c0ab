/** What a person decides about one study before it is sent, and what follows from it. Pure. */
import type { Order, Patient } from "../api/types";
import type { Header } from "./read/header";

/** Whose images these are: left to the server's rules, or chosen by the person. */
export type Link =
  | { kind: "automatic" }
  | { kind: "order"; order: Order; patient: Patient | null }
  | { kind: "patient"; patient: Patient };

export interface Choice {
  include: boolean;
  link: Link;
  /** New values of modifiable attributes, by DICOM keyword. */
  tags: Readonly<Record<string, string>>;
  /** Set by the person when the files name somebody else than the chosen order or patient. */
  confirmed: boolean;
}

export const MODIFIABLE = ["PatientID", "PatientName", "AccessionNumber", "StudyDate"] as const;
export type Modifiable = (typeof MODIFIABLE)[number];

export interface Change {
  keyword: string;
  before: string;
  after: string;
  /** Both are known and do not agree: perhaps these are the wrong files. */
  conflict: boolean;
}

const FIELD: Record<string, keyof Header> = {
  PatientID: "patientId",
  PatientName: "patientName",
  PatientBirthDate: "birthDate",
  PatientSex: "sex",
  AccessionNumber: "accessionNumber",
  ReferringPhysicianName: "referringPhysician",
  StudyDate: "studyDate",
};

/** Attributes that tell nobody from somebody else. */
const TELLS_NOBODY = ["StudyDate", "ReferringPhysicianName"];

const SEX: Record<string, string> = { male: "M", female: "F", other: "O" };

/** The header as the server will judge it: with the person's corrections. */
export function corrected(header: Header, tags: Choice["tags"]): Header {
  const next = { ...header };
  for (const [keyword, value] of Object.entries(tags)) {
    const field = FIELD[keyword];
    if (field) next[field] = value;
  }
  return next;
}

/**
 * What the stored files will say instead of what these say, once they are linked to this patient and order.
 *
 * What the EHR does not know stays as it is in the file, as on arrival. A corrected attribute counts as a change too.
 */
export function changes(header: Header, patient: Patient | null, order: Order | null, tags: Choice["tags"] = {}): Change[] {
  const wanted: Record<string, string> = { ...tags };
  if (patient) {
    wanted.PatientID = patient.mrn;
    wanted.PatientName = nameOf(patient) || (wanted.PatientName ?? "");
    wanted.PatientBirthDate = patient.birth_date?.replaceAll("-", "") ?? "";
    wanted.PatientSex = SEX[patient.sex] ?? "";
  }
  if (order) {
    wanted.AccessionNumber = order.accession_number;
    wanted.ReferringPhysicianName = order.ordered_by ?? "";
  }
  return Object.entries(wanted).flatMap(([keyword, after]) => {
    const before = header[FIELD[keyword] ?? "patientId"];
    if ((!after && !(keyword in tags)) || same(keyword, before, after)) return [];
    return [{ keyword, before, after, conflict: before !== "" && !TELLS_NOBODY.includes(keyword) && !(keyword in tags && tags[keyword] === after) }];
  });
}

/** Whether this study may be sent as it is decided: what disagrees must have been looked at. */
export function needsConfirmation(choice: Choice, listed: readonly Change[], mixed: boolean): boolean {
  if (choice.link.kind === "automatic") return false;
  return (mixed || listed.some(({ conflict }) => conflict)) && !choice.confirmed;
}

export function nameOf(patient: Pick<Patient, "family_name" | "given_name">): string {
  return `${patient.family_name ?? ""}^${patient.given_name ?? ""}`.replace(/\^+$/, "");
}

function same(keyword: string, one: string, other: string): boolean {
  if (!keyword.endsWith("Name")) return one === other;
  const plain = (name: string) => name.replace(/\^+$/, "");
  return plain(one) === plain(other);
}
