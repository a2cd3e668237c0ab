/** DICOM values as people read them: names without "^", days as days. Pure but for the language. */
import { formatDay } from "../i18n";
import { snake } from "../i18n/fieldName";
import { parseDay } from "../i18n/parseDay";
import { personName } from "../i18n/person";

const NAMES = new Set([
  "name_of_physicians_reading_study", "operators_name", "other_patient_names", "patient_birth_name", "patient_mother_birth_name", "patient_name",
  "performing_physician_name", "physicians_of_record", "referring_physician_name", "requesting_physician", "responsible_person",
]);

/**
 * Values of one attribute that stand beside each other. All come back as they are in the files where two that differ
 * would read the same, for example names with a blank at the end.
 */
export function asRead(tag: string, values: readonly string[]): string[] {
  const read = values.map((value) => oneAsRead(snake(tag), value));
  return new Set(read).size === new Set(values).size ? read : [...values];
}

function oneAsRead(tag: string, value: string): string {
  if (NAMES.has(tag)) return value.split("\\").map(personName).join("; ");
  const day = tag.endsWith("_date") && /^\d{8}$/.test(value) ? parseDay(value) : null;
  return day ? formatDay(day) : value;
}
