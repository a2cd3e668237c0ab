/** Series as DICOMweb answers them (DICOM JSON, PS3.18 F), read defensively. Pure. */
import { isRecord } from "./errors";

export interface Series {
  uid: string;
  number: number | null;
  modality: string;
  description: string;
  instances: number | null;
}

export function seriesOf(answer: unknown): Series[] {
  const rows = Array.isArray(answer) ? answer.filter(isRecord) : [];
  return rows
    .map((row) => ({
      uid: text(row["0020000E"]),
      number: whole(row["00200011"]),
      modality: text(row["00080060"]),
      description: text(row["0008103E"]),
      instances: whole(row["00201209"]),
    }))
    .filter(({ uid }) => uid !== "")
    .sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || a.uid.localeCompare(b.uid));
}

function first(element: unknown): unknown {
  return isRecord(element) && Array.isArray(element.Value) ? element.Value[0] : undefined;
}

function text(element: unknown): string {
  const value = first(element);
  return typeof value === "string" ? value : "";
}

function whole(element: unknown): number | null {
  const value = Number(first(element));
  return first(element) !== undefined && Number.isInteger(value) ? value : null;
}
