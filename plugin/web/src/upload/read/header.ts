/**
 * What a DICOM file says of itself, read from its first bytes. Pure.
 *
 * Only for showing and grouping files before they are sent; what the file really holds is judged by the server. A file
 * that is no DICOM is told from one whose header is damaged: the second is still offered to the server.
 */
import dicomParser from "dicom-parser";
import { decodeText } from "./charset";

export interface Header {
  sopInstanceUid: string;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  patientId: string;
  patientName: string;
  birthDate: string;
  sex: string;
  accessionNumber: string;
  issuerOfPatientId: string;
  universalIssuerOfPatientId: string;
  issuerOfAccessionNumber: string;
  scheduledProcedureStepId: string;
  requestedProcedureId: string;
  bodyPart: string;
  laterality: string;
  imageLaterality: string;
  referringPhysician: string;
  studyDate: string;
  studyDescription: string;
  seriesDescription: string;
  seriesNumber: string;
  instanceNumber: string;
  modality: string;
  institution: string;
  transferSyntax: string;
}

export type Reading =
  | { kind: "header"; header: Header }
  /** The bytes end before the series is named; more of them may help. */
  | { kind: "more" }
  | { kind: "damaged" }
  | { kind: "directory" }
  | { kind: "not_dicom" };

const EXPLICIT = "1.2.840.10008.1.2.1";
const IMPLICIT = "1.2.840.10008.1.2";
const DEFLATED = "1.2.840.10008.1.2.1.99";
const DIRECTORY = "1.2.840.10008.1.3.10";
const PREAMBLE = 128;

const TEXT = {
  patientId: "x00100020",
  patientName: "x00100010",
  birthDate: "x00100030",
  sex: "x00100040",
  accessionNumber: "x00080050",
  issuerOfPatientId: "x00100021",
  referringPhysician: "x00080090",
  studyDate: "x00080020",
  studyDescription: "x00081030",
  seriesDescription: "x0008103e",
  seriesNumber: "x00200011",
  instanceNumber: "x00200013",
  modality: "x00080060",
  bodyPart: "x00180015",
  laterality: "x00200060",
  imageLaterality: "x00200062",
  institution: "x00080080",
  sopInstanceUid: "x00080018",
  studyInstanceUid: "x0020000d",
  seriesInstanceUid: "x0020000e",
} as const;

/** In the first item of a sequence: the sequence, and where to look in it. The first that says something. */
const IN_ITEM = {
  universalIssuerOfPatientId: [["x00100024", "x00400032"]],
  issuerOfAccessionNumber: [["x00080051", "x00400031"], ["x00080051", "x00400032"]],
  scheduledProcedureStepId: [["x00400275", "x00400009"]],
  requestedProcedureId: [["x00400275", "x00401001"]],
} as const;

/** Pixel Data: all that is read stands before. The first bytes of a file may end sooner, which costs `IN_ITEM` at most. */
const STOP = "x7fe00010";

/** `whole` says that there are no more bytes than these. */
export function readHeader(bytes: Uint8Array, whole: boolean): Reading {
  const file = withPreamble(bytes);
  if (!file) return { kind: "not_dicom" };
  const { dataSet, complete } = parse(file.bytes, file.syntax);
  if (!dataSet) return whole ? { kind: "damaged" } : { kind: "more" };
  if (uid(dataSet, "x00020002") === DIRECTORY) return { kind: "directory" };
  const syntax = uid(dataSet, "x00020010") || file.syntax || "";
  if (syntax === DEFLATED && !dataSet.elements.x0020000d) return { kind: "damaged" };
  const header = headerOf(dataSet, syntax);
  if (header.studyInstanceUid && header.seriesInstanceUid) return { kind: "header", header };
  return whole || complete ? { kind: "damaged" } : { kind: "more" };
}

/** The file as the parser wants it, or null when nothing in it looks like DICOM. */
function withPreamble(bytes: Uint8Array): { bytes: Uint8Array; syntax?: string } | null {
  if (latin(bytes, PREAMBLE, 4) === "DICM") return { bytes };
  const group = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const named = /^[A-Z]{2}$/.test(latin(bytes, 4, 2));
  if (group === 2 && named) {
    const padded = new Uint8Array(PREAMBLE + 4 + bytes.length);
    padded.set([0x44, 0x49, 0x43, 0x4d], PREAMBLE);
    padded.set(bytes, PREAMBLE + 4);
    return { bytes: padded };
  }
  const length = (bytes[4] ?? 0) | ((bytes[5] ?? 0) << 8) | ((bytes[6] ?? 0) << 16);
  if (group === 8 && (named || length < 1024)) return { bytes, syntax: named ? EXPLICIT : IMPLICIT };
  return null;
}

function parse(bytes: Uint8Array, syntax?: string): { dataSet: dicomParser.DataSet | null; complete: boolean } {
  try {
    const options = syntax ? { untilTag: STOP, TransferSyntaxUID: syntax } : { untilTag: STOP };
    return { dataSet: dicomParser.parseDicom(bytes, options), complete: true };
  } catch (problem) {
    // The parser hands out what it had read when the bytes ended.
    const partial = (problem as { dataSet?: dicomParser.DataSet } | null)?.dataSet;
    return { dataSet: partial?.elements ? partial : null, complete: false };
  }
}

function headerOf(dataSet: dicomParser.DataSet, transferSyntax: string): Header {
  const charset = uid(dataSet, "x00080005");
  const header = { transferSyntax } as Header;
  for (const [field, tag] of Object.entries(TEXT) as [keyof typeof TEXT, string][]) {
    header[field] = decodeText(valueOf(dataSet, tag), charset);
  }
  for (const [field, places] of Object.entries(IN_ITEM) as [keyof typeof IN_ITEM, readonly (readonly [string, string])[]][]) {
    const found = places.map(([sequence, tag]) => dataSet.elements[sequence]?.items?.[0]?.dataSet && valueOf(dataSet.elements[sequence].items[0].dataSet, tag));
    header[field] = found.map((value) => (value ? decodeText(value, charset) : "")).find((text) => text !== "") ?? "";
  }
  return header;
}

function uid(dataSet: dicomParser.DataSet, tag: string): string {
  return decodeText(valueOf(dataSet, tag), "");
}

function valueOf(dataSet: dicomParser.DataSet, tag: string): Uint8Array {
  const element = dataSet.elements[tag];
  if (!element || element.items) return new Uint8Array();
  return (dataSet.byteArray as Uint8Array).subarray(element.dataOffset, element.dataOffset + element.length);
}

function latin(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
