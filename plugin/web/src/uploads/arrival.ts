/** What an upload's entry says of the files as they came. Pure. */
import type { UploadEntry } from "../api/uploads";
import { t } from "../i18n";
import { personName } from "../i18n/person";

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

/** What the files named, where that is not whom the study is linked to by now; of nobody's, under which Patient ID. */
export function saidOnArrival(entry: UploadEntry): string {
  const id = entry.modified_patient_id ?? entry.original_patient_id;
  if (!entry.patient_id) return id ? t("uploads.nobody.id", { id }) : t("uploads.nobody");
  const name = personName(entry.modified_patient_name ?? entry.original_patient_name);
  return name && name !== personName(entry.patient_name) ? t("uploads.said", { name }) : "";
}
