/** The page's words and formats in the user's language. Keys and their blanks are checked by the compiler. */
import { en } from "./en";
import { DEFAULT_LANGUAGE, LANGUAGES, type LanguageCode } from "./languages";
import type { Args, Catalogue, Message, MessageKey } from "./message";

export type { MessageKey } from "./message";

/** What is made once per language: its catalogue and the formats that go with it. */
interface Speaking {
  code: LanguageCode;
  locale: string;
  catalogue: Catalogue;
  plural: Intl.PluralRules;
  numbers: Intl.NumberFormat;
  list: Intl.ListFormat;
  dateTime: Intl.DateTimeFormat;
  day: Intl.DateTimeFormat;
}

let speaking = speak(DEFAULT_LANGUAGE, en);
const listeners = new Set<() => void>();

/** Switch to a language; its words are loaded first. Who shows words is told and shows them anew. */
export async function setLanguage(code: LanguageCode): Promise<void> {
  if (code === speaking.code) return;
  speaking = speak(code, await LANGUAGES[code].load());
  for (const listener of listeners) listener();
}

export const currentLanguage = (): LanguageCode => speaking.code;

export function onLanguage(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function t<K extends MessageKey>(key: K, ...args: Args<K>): string {
  const message: Message = speaking.catalogue[key];
  const values = (args[0] ?? {}) as Record<string, string | number>;
  return filled(typeof message === "string" ? message : (message[speaking.plural.select(Number(values.count))] ?? message.other), values);
}

/** A message with its blanks filled in; one without a value stays. */
export function filled(pattern: string, values: Readonly<Record<string, string | number>>): string {
  return pattern.replace(/\{(\w+)\}/g, (blank, name: string) => {
    const value = values[name];
    if (value === undefined) return blank;
    return typeof value === "number" ? speaking.numbers.format(value) : value;
  });
}

/** The message `prefix.word` if there is one: for words that come from the server. */
export function known(prefix: string, word: string): string | null {
  const key = `${prefix}.${word}`;
  if (!Object.hasOwn(speaking.catalogue, key)) return null;
  const message: Message = speaking.catalogue[key as MessageKey];
  return typeof message === "string" ? message : message.other;
}

/** A word of the server's as people read it: "in_progress" without a message becomes "In progress". */
export function word(prefix: string, value: string): string {
  const plain = value.replaceAll("_", " ");
  return known(prefix, value) ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

export function formatNumber(value: number): string {
  return speaking.numbers.format(value);
}

const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function formatBytes(bytes: number): string {
  const power = bytes < 1e3 ? 0 : bytes < 1e6 ? 1 : bytes < 1e9 ? 2 : bytes < 1e12 ? 3 : 4;
  const digits = power < 2 ? 0 : 1;
  return new Intl.NumberFormat(speaking.locale, {
    style: "unit",
    unit: BYTE_UNITS[power],
    unitDisplay: power === 0 ? "long" : "short",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(bytes / 1000 ** power);
}

const SPANS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]] as const;

/** "5 days", "12.6 minutes". */
export function formatSpan(seconds: number): string {
  const [unit, size] = SPANS.find(([, least]) => seconds >= least) ?? SPANS[3];
  return new Intl.NumberFormat(speaking.locale, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 1 }).format(seconds / size);
}

/** An ISO instant in the user's time zone; text that is none comes back as it is. */
export function formatInstant(iso: string): string {
  const moment = Date.parse(iso);
  return Number.isNaN(moment) ? iso : speaking.dateTime.format(moment);
}

/** An ISO date, which has no time zone. */
export function formatDay(iso: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(iso)) return iso;
  const moment = Date.parse(`${iso}T00:00:00Z`);
  return Number.isNaN(moment) ? iso : speaking.day.format(moment);
}

export function formatList(parts: readonly string[]): string {
  return speaking.list.format(parts);
}

function speak(code: LanguageCode, catalogue: Catalogue): Speaking {
  const { locale } = LANGUAGES[code];
  // Day before month, month as a word: a date that cannot be misread.
  const date = { day: "2-digit", month: "short", year: "numeric" } as const;
  return {
    code,
    locale,
    catalogue,
    plural: new Intl.PluralRules(locale),
    numbers: new Intl.NumberFormat(locale),
    list: new Intl.ListFormat(locale, { type: "unit", style: "long" }),
    dateTime: new Intl.DateTimeFormat(locale, { ...date, hour: "2-digit", minute: "2-digit" }),
    day: new Intl.DateTimeFormat(locale, { ...date, timeZone: "UTC" }),
  };
}
