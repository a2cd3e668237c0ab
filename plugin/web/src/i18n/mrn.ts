/** A patient's number as people read it. Pure. */
import { t } from ".";

/** "MRN 4711"; a number that says itself that it is one ("MRN-4711") as it is. */
export function mrnText(mrn: string): string {
  return /^mrn/i.test(mrn) ? mrn : t("patient.mrn.value", { mrn });
}
