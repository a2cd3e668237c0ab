/** What an upload's entry says was changed on arrival. Pure. */
import type { UploadEntry } from "../api/uploads";

interface Change {
  tag: string;
  before: string;
  after: string;
}

const FIELDS = [
  ["PatientID", "original_patient_id", "modified_patient_id"],
  ["PatientName", "original_patient_name", "modified_patient_name"],
  ["AccessionNumber", "original_accession_number", "modified_accession_number"],
] as const;

/** Only what became another value: the entry also names the values that were right already. */
export function changesOnArrival(entry: UploadEntry): Change[] {
  return FIELDS.map(([tag, from, to]) => ({ tag, before: entry[from] ?? "", after: entry[to] ?? entry[from] ?? "" })).filter(
    ({ before, after }) => before !== after,
  );
}
