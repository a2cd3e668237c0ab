/** A DICOM keyword or a field of the API as people call it. Pure. */
import { known } from ".";

/** "PatientBirthDate" as "Birth date" where we have a word for it; the keyword or tag number otherwise. */
export function fieldName(keyword: string): string {
  return known("field", snake(keyword)) ?? keyword;
}

/** "PatientBirthDate" as "patient_birth_date". */
export function snake(keyword: string): string {
  return keyword.replace(/([a-z])([A-Z])/g, "$1_$2").replace(/([A-Z])([A-Z][a-z])/g, "$1_$2").toLowerCase();
}
