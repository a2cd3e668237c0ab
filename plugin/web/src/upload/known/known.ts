/** What the server says it has already, and when that is reason enough not to send a file. Pure. */
import type { DocumentKind, Owner } from "../../api/chart";
import { isRecord } from "../../api/errors";

/** A file that is stored; of its study what the server tells this person. */
export interface KnownFile {
  studyInstanceUid: string | null;
  link: KnownLink | null;
}

export interface KnownLink {
  status: "linked" | "unlinked" | "ambiguous";
  patientId: string | null;
  orderId: string | null;
}

/** What is said about a study's files beside themselves: whose they are, and corrected attributes. */
export interface SendOptions {
  orderId?: string;
  patientId?: string;
  tags?: Readonly<Record<string, string>>;
  /** The file is no image: it is attached as a document. */
  document?: DocumentOptions;
}

export interface DocumentOptions {
  owner: Owner;
  /** Media type. */
  type: string;
  kind: DocumentKind;
  title: string;
  /** An ISO date; "" for today. */
  dated: string;
}

/** By digest. What cannot be read counts as not known: then it is sent. */
export function readKnown(answer: unknown): ReadonlyMap<string, KnownFile> {
  const known = new Map<string, KnownFile>();
  if (!isRecord(answer) || !Array.isArray(answer.files)) return known;
  const links = new Map<string, KnownLink>();
  for (const study of Array.isArray(answer.studies) ? answer.studies.filter(isRecord) : []) {
    const { study_instance_uid: uid, link_status: status } = study;
    if (typeof uid !== "string" || (status !== "linked" && status !== "unlinked" && status !== "ambiguous")) continue;
    links.set(uid, { status, patientId: text(study.patient_id), orderId: text(study.order_id) });
  }
  for (const { sha256, study_instance_uid: uid } of answer.files.filter(isRecord)) {
    if (typeof sha256 !== "string") continue;
    const studyInstanceUid = text(uid);
    known.set(sha256, { studyInstanceUid, link: (studyInstanceUid && links.get(studyInstanceUid)) || null });
  }
  return known;
}

/** Whether it is worth asking: corrected data and documents have to reach the server, whatever it has. */
export function isAskedFor(options: SendOptions): boolean {
  return !options.document && Object.keys(options.tags ?? {}).length === 0;
}

/**
 * Whether a stored file need not be sent. Whoever chose a patient or an order must hear when the study is somebody
 * else's: only the server's own answer to the file says so.
 */
export function isSkippable(file: KnownFile, { orderId, patientId, ...rest }: SendOptions): boolean {
  if (!isAskedFor(rest)) return false;
  if (orderId && file.link?.orderId !== orderId) return false;
  return !patientId || file.link?.patientId === patientId;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
