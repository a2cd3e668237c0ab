/** The files that were read, as patients, studies and series. Pure. */
import type { Header } from "./read/header";

export interface ReadFile {
  id: number;
  name: string;
  size: number;
  header: Header;
}

export interface SeriesDraft {
  uid: string;
  number: string;
  description: string;
  modality: string;
  files: number;
  bytes: number;
  /** A file from its middle, for the thumbnail. */
  middle: number;
}

export interface StudyDraft {
  uid: string;
  /** What its first file says. */
  header: Header;
  /** A header for each way in which its files say whose they are, the first file's first; a few, where there are many. */
  variants: Header[];
  series: SeriesDraft[];
  fileIds: number[];
  bytes: number;
  /** Attributes in which its files disagree: then they may be of several people. */
  mixed: ("patientId" | "patientName" | "birthDate")[];
}

export interface PatientDraft {
  key: string;
  header: Header;
  studies: StudyDraft[];
}

const IDENTITY = ["patientId", "patientName", "birthDate"] as const;
const COMPARED = [...IDENTITY, "issuerOfPatientId", "universalIssuerOfPatientId", "sex", "accessionNumber", "issuerOfAccessionNumber", "scheduledProcedureStepId", "requestedProcedureId", "modality", "bodyPart", "laterality", "imageLaterality"] as const;
const MOST_VARIANTS = 10;

export function grouped(files: readonly ReadFile[]): PatientDraft[] {
  const byStudy = new Map<string, ReadFile[]>();
  for (const file of files) {
    const uid = file.header.studyInstanceUid;
    const list = byStudy.get(uid);
    if (list) list.push(file);
    else byStudy.set(uid, [file]);
  }
  const patients = new Map<string, PatientDraft>();
  for (const [uid, list] of byStudy) {
    const study = studyOf(uid, list);
    const key = JSON.stringify([study.header.patientId, study.header.patientName]);
    const patient = patients.get(key);
    if (patient) patient.studies.push(study);
    else patients.set(key, { key, header: study.header, studies: [study] });
  }
  return [...patients.values()];
}

function studyOf(uid: string, files: readonly ReadFile[]): StudyDraft {
  const header = files[0]!.header;
  const bySeries = new Map<string, ReadFile[]>();
  const mixed = new Set<StudyDraft["mixed"][number]>();
  const variants = new Map<string, Header>();
  let bytes = 0;
  for (const file of files) {
    bytes += file.size;
    const list = bySeries.get(file.header.seriesInstanceUid);
    if (list) list.push(file);
    else bySeries.set(file.header.seriesInstanceUid, [file]);
    const said = JSON.stringify(COMPARED.map((field) => file.header[field]));
    if (variants.size < MOST_VARIANTS && !variants.has(said)) variants.set(said, file.header);
    for (const field of IDENTITY) if (file.header[field] !== header[field]) mixed.add(field);
  }
  const series = [...bySeries].map(([seriesUid, list]) => seriesOf(seriesUid, list));
  series.sort((one, other) => Number(one.number) - Number(other.number));
  return { uid, header, variants: [...variants.values()], series, fileIds: files.map(({ id }) => id), bytes, mixed: [...mixed] };
}

function seriesOf(uid: string, files: readonly ReadFile[]): SeriesDraft {
  const { seriesNumber, seriesDescription, modality } = files[0]!.header;
  const inOrder = [...files].sort((one, other) => Number(one.header.instanceNumber) - Number(other.header.instanceNumber));
  return {
    uid,
    number: seriesNumber,
    description: seriesDescription,
    modality,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    middle: inOrder[Math.floor(files.length / 2)]!.id,
  };
}
