/** Attributes out of DICOM's JSON (PS3.18 annex F). Pure but for the language. */
import type { Dataset } from "../api/objects";
import { isRecord } from "../api/errors";
import { formatDay, known } from "../i18n";
import { parseDay } from "../i18n/parseDay";
import { personName } from "../i18n/person";

/** The values as text, several joined; "" where there is none. Names are written as people write them. */
export function text(of: Dataset | undefined, tag: string): string {
  const { vr, Value: values } = of?.[tag] ?? {};
  return Array.isArray(values) ? values.map((value) => (vr === "DS" ? short(plain(value)) : plain(value))).filter(Boolean).join(", ") : "";
}

/** A defined term in words, "UNVERIFIED" as "Not verified"; one without words of ours stays as it is. */
export function term(value: string): string {
  return known("objects.value", value.toLowerCase().replaceAll(" ", "_")) ?? value;
}

/** The items of a sequence. */
export function items(of: Dataset | undefined, tag: string): Dataset[] {
  const values = of?.[tag]?.Value;
  return Array.isArray(values) ? values.filter(isRecord) as Dataset[] : [];
}

/** The meaning of the first code of a code sequence (PS3.3 table 8.8-1); its value where it has no meaning. */
export function meaning(of: Dataset | undefined, tag: string): string {
  const [code] = items(of, tag);
  return text(code, "00080104") || text(code, "00080100");
}

/** "20260131" as "31 Jan 2026"; what is none stays as it is. */
export function day(value: string): string {
  const date = /^\d{8}$/.test(value) ? parseDay(value) : null;
  return date ? formatDay(date) : value;
}

/** "083015.12" as "08:30:15". */
export function clock(value: string): string {
  return value.replace(/^(\d{2})(\d{2})(\d{2})?.*$/, (_, hour: string, minute: string, second?: string) => [hour, minute, second].filter(Boolean).join(":"));
}

/** "20260131083015" as "31 Jan 2026 08:30:15". */
export function moment(value: string): string {
  const found = /^(\d{8})(\d{4,6})/.exec(value);
  return found ? `${day(found[1]!)} ${clock(found[2]!)}` : day(value);
}

/** "6.00000000000000" as "6": programs fill the 16 characters of a decimal string. */
function short(decimal: string): string {
  const value = Number(decimal);
  return /\.\d{4,}/.test(decimal) && Number.isFinite(value) && Math.abs(value) >= 0.001 ? String(Number(value.toFixed(3))) : decimal;
}

function plain(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (!isRecord(value)) return "";
  const name = [value.Alphabetic, value.Ideographic, value.Phonetic].map((part) => (typeof part === "string" ? part : "")).join("=");
  return personName(name.replace(/=+$/, ""));
}
