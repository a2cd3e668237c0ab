/** What a person decides about one study before it is sent. Pure. */
import type { MatchQuestion } from "../api/match";
import type { Order, Patient } from "../api/types";
import type { StudyDraft } from "./group";
import type { Header } from "./read/header";
import type { SendOptions } from "./known/known";

/** Whose images these are: left to the server's rules, or chosen by the person. */
export type Link =
  | { kind: "automatic" }
  | { kind: "order"; order: Order; patient: Patient | null }
  | { kind: "patient"; patient: Patient };

export interface Choice {
  include: boolean;
  /** A person has said for this study alone whether it is sent, or whose it is. */
  decided: boolean;
  /** Whose it is was said for this study alone. */
  linkedAlone: boolean;
  /** Not included because it does not fit what was chosen for several studies; nobody has said so. */
  leftOut: boolean;
  link: Link;
  /** New values of modifiable attributes, by DICOM keyword. */
  tags: Readonly<Record<string, string>>;
  /** What the person has looked at and confirmed (`Reviewed.question`); "" for nothing. */
  confirmed: string;
}

export function undecided(link: Link): Choice {
  return { include: true, decided: false, linkedAlone: false, leftOut: false, link, tags: {}, confirmed: "" };
}

/** After a decision for all studies of a patient: what was said by hand of one of them stays, and corrections stay. */
export function decidedFor(before: Choice, link: Link): Choice {
  if (before.linkedAlone) return before;
  const isOut = before.decided && !before.include;
  return { ...undecided(link), include: !isOut, decided: isOut, tags: before.tags };
}

/** Whom a choice names, as a word to compare. */
export function targetOf(link: Link): string {
  return link.kind === "order" ? `order ${link.order.id}` : link.kind === "patient" ? `patient ${link.patient.id}` : "";
}

export const MODIFIABLE = ["PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyDate", "StudyDescription", "Laterality"] as const;
export type Modifiable = (typeof MODIFIABLE)[number];

export const FIELD: Record<Modifiable, keyof Header> = {
  PatientID: "patientId",
  PatientName: "patientName",
  PatientBirthDate: "birthDate",
  PatientSex: "sex",
  AccessionNumber: "accessionNumber",
  StudyDate: "studyDate",
  StudyDescription: "studyDescription",
  Laterality: "laterality",
};

export interface Correction {
  tag: string;
  before: string;
  after: string;
}

/** What the person corrected, beside what the files say. */
export function corrections(header: Header, tags: Choice["tags"]): Correction[] {
  return MODIFIABLE.flatMap((tag) => {
    const after = tags[tag];
    return after === undefined ? [] : [{ tag, before: header[FIELD[tag]], after }];
  });
}

/** What the server hears with each file of a study. */
export function optionsOf({ link, tags }: Choice): SendOptions {
  const options: SendOptions = Object.keys(tags).length > 0 ? { tags } : {};
  if (link.kind === "order") {
    options.orderId = link.order.id;
    // Whom the person saw: the EHR may give the order to somebody else before everything is sent.
    options.patientId = link.patient?.id ?? link.order.patient_id;
  }
  if (link.kind === "patient") options.patientId = link.patient.id;
  return options;
}

/** What the server is asked about a study: each way in which its files say whose they are, and what the person chose. */
export function questionsOf({ uid, variants }: StudyDraft, choice: Choice): MatchQuestion[] {
  const { orderId, patientId, tags } = optionsOf(choice);
  const said = { ...(orderId && { order_id: orderId }), ...(patientId && { patient_id: patientId }), ...(tags && { tags }) };
  return variants.map((header, at) => ({
    ref: at === 0 ? uid : `${uid} ${at}`,
    patient_id: header.patientId,
    issuer_of_patient_id: header.issuerOfPatientId,
    universal_issuer_of_patient_id: header.universalIssuerOfPatientId,
    patient_name: header.patientName,
    patient_birth_date: header.birthDate,
    patient_sex: header.sex,
    accession_number: header.accessionNumber,
    issuer_of_accession_number: header.issuerOfAccessionNumber,
    scheduled_procedure_step_id: header.scheduledProcedureStepId,
    requested_procedure_id: header.requestedProcedureId,
    study_instance_uid: uid,
    modality: header.modality,
    study_date: header.studyDate,
    body_part: header.bodyPart,
    laterality: header.laterality || header.imageLaterality,
    referring_physician_name: header.referringPhysician,
    ...(Object.keys(said).length > 0 && { confirmation: said }),
  }));
}
