/** Patients' numbers in words, with whose they are where that is in question. */
import { useAuthorities } from "../api/authorities";
import { mrnText, withIssuer, type PatientNumber } from "../i18n/mrn";

export function useNumbers() {
  const { several } = useAuthorities();
  return {
    mrn: (number: PatientNumber) => mrnText(number, several),
    said: (number: string, issuer: string | null | undefined) => withIssuer(number, issuer, several),
  };
}
