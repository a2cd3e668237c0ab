/** A patient's number as people read it. Pure. */
import { t } from ".";

export interface PatientNumber {
  mrn: string;
  /** The assigning authority that gave it; null where nobody has said which. */
  issuer: string | null;
}

/**
 * "MRN 4711", or as it is where it says itself what it is ("MRN-4711"). Where `several` authorities give numbers, also
 * whose it is: "MRN 4711 · SITE-A".
 */
export function mrnText({ mrn, issuer }: PatientNumber, several: boolean): string {
  return withIssuer(/^mrn/i.test(mrn) ? mrn : t("patient.mrn.value", { mrn }), issuer, several);
}

/** A number in words of its own, as the Patient ID of a file, and whose it is. */
export function withIssuer(number: string, issuer: string | null | undefined, several: boolean): string {
  return several ? t("patient.number.of", { number, issuer: issuer || t("patient.issuer.unknown") }) : number;
}
