/** How each attribute that a person may correct is filled in; its value is always as DICOM writes it. Pure. */
import { t, word } from "../i18n";
import { joinName, splitName } from "./nameParts";

export type Kind = "text" | "name" | "day" | "choice";

export const CHOICES: Readonly<Record<string, readonly string[]>> = { PatientSex: ["F", "M", "O"], Laterality: ["R", "L"] };

export function kindOf(tag: string): Kind {
  if (tag in CHOICES) return "choice";
  if (tag.endsWith("Name")) return "name";
  return tag.endsWith("Date") ? "day" : "text";
}

/** A side as people say it; "not said" for none. */
export function sideWords(side: string): string {
  return side ? word("correction.Laterality", side) : t("correction.not_said");
}

export function longest(tag: string): number {
  return tag === "AccessionNumber" ? 16 : 64;
}

/** Whether two values say the same: empty parts at the end of a name say nothing. */
export function isSame(tag: string, one: string, other: string): boolean {
  if (kindOf(tag) !== "name") return one === other;
  return joinName(splitName(one)) === joinName(splitName(other));
}

/** A DICOM date as a date field holds it; anything else is no date. */
export function isoOf(day: string): string {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(day);
  return parts ? parts.slice(1).join("-") : "";
}

export function dicomOf(iso: string): string {
  return iso.replaceAll("-", "");
}
