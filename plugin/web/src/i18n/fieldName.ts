/** A DICOM keyword or a field of the API as people call it. Pure. */
import { known } from ".";

/** "PatientBirthDate" as "Birth date" where we have a word for it; the keyword or tag number otherwise. */
export function fieldName(keyword: string): string {
  const snake = keyword.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  return known("field", snake) ?? keyword;
}
