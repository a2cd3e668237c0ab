/** A day as people type it, in the page's language. Pure but for the language. */
import { currentLanguage, formatDay } from ".";
import { LANGUAGES } from "./languages";

/**
 * The ISO date of "31.1.2026", "31 Jan 2026", "31/01/2026", "2026-01-31" or "20260131"; null for anything else. The day
 * comes before the month, and the year has four digits: half of them would be a guess.
 */
export function parseDay(text: string): string | null {
  const plain = folded(text.trim());
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(plain) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(plain);
  if (iso) return dayOf(iso[1]!, Number(iso[2]), iso[3]!);
  const named = /^(\d{1,2})[\s.]*([^\d\s.]{3,})[\s.]*(\d{4})$/.exec(plain);
  if (named) return dayOf(named[3]!, monthOf(named[2]!), named[1]!);
  const numbers = /^(\d{1,2})\s*[./ -]\s*(\d{1,2})\s*[./ -]\s*(\d{4})$/.exec(plain);
  return numbers && dayOf(numbers[3]!, Number(numbers[2]), numbers[1]!);
}

/** A day and its time, "31.1.2026 9:15", as `2026-01-31T09:15`; null for anything else. */
export function parseMoment(text: string): string | null {
  const parts = /^(.+?)(?:T|[\s,]+)(\d{1,2})[:.](\d{2})$/.exec(text.trim());
  const day = parts && parseDay(parts[1]!);
  if (!day || Number(parts[2]) > 23 || Number(parts[3]) > 59) return null;
  return `${day}T${parts[2]!.padStart(2, "0")}:${parts[3]}`;
}

export function formatMoment(moment: string): string {
  return `${formatDay(moment.slice(0, 10))} ${moment.slice(11, 16)}`;
}

/** From 1; 0 where no month is called so. English is understood everywhere. */
function monthOf(name: string): number {
  for (const locale of [LANGUAGES[currentLanguage()].locale, "en-GB"]) {
    const at = monthNames(locale).findIndex((each) => folded(each).startsWith(name) || short(each) === name);
    if (at >= 0) return at + 1;
  }
  return 0;
}

/** The months in full. */
export function monthNames(locale = LANGUAGES[currentLanguage()].locale): string[] {
  const format = new Intl.DateTimeFormat(locale, { month: "long", timeZone: "UTC" });
  return Array.from({ length: 12 }, (_, at) => format.format(Date.UTC(2026, at, 1)));
}

/** As some abbreviate: "Sept" of September, "Mrz" of März. */
function short(name: string): string {
  const plain = folded(name);
  return plain.startsWith("september") ? "sept" : plain === "marz" ? "mrz" : plain;
}

function dayOf(year: string, month: number, day: string): string | null {
  const iso = `${year}-${String(month).padStart(2, "0")}-${day.padStart(2, "0")}`;
  const moment = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(moment.valueOf()) && moment.toISOString().startsWith(iso) ? iso : null;
}

function folded(text: string): string {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
