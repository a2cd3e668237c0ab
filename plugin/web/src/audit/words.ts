/** What the audit page asks and says. Pure. */
import { en } from "../i18n/en";
import { formatDay, formatInstant, formatNumber, formatSpan, known, t, word } from "../i18n";
import { fieldName } from "../i18n/fieldName";

const PREFIX = "audit.action.";

/** Every action there is a word for: each that this version writes. */
export const ACTIONS = Object.keys(en)
  .filter((key) => key.startsWith(PREFIX))
  .map((key) => key.slice(PREFIX.length))
  .sort();

/** Where the words of a value are, by the name of the detail; the first that knows it says it. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  after: ["order.status"],
  before: ["order.status"],
  code: ["problem", "audit.code"],
  critical: ["report.critical"],
  door: ["door"],
  level: ["report.critical"],
  reason: ["problem", "audit.code"],
  role: ["role"],
  roles: ["role"],
  source: ["uploads.source"],
  status: ["order.status", "report.status"],
};
/** What only who reads logs can use: ids, where they are, and routes. */
const TECHNICAL = /(^|_)(ids?|uid)$|^(delivery|event|message|route|sha256)$/;
const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
/** "patient_restricted", where there is no word for it. */
const CODE = /^[a-z]+(_[a-z]+)+$/;
/** Whose values name fields, of ours or by DICOM keyword. */
const FIELDS = new Set(["coerced", "disagreements", "fields", "filters", "tags"]);
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;

type Detail = Readonly<Record<string, unknown>>;

/** An event's detail as short lines: "Came by: Upload". */
export function detailLines(detail: Detail): string[] {
  return linesOf(detail, false);
}

/** What is in an event's detail beside that: ids and routes. */
export function technicalLines(detail: Detail): string[] {
  return linesOf(detail, true);
}

function linesOf(detail: Detail, technical: boolean): string[] {
  return Object.entries(detail)
    .filter(([name, value]) => !isEmpty(value) && isTechnical(name, value) === technical)
    .map(([name, value]) => line(name, value));
}

const isTechnical = (name: string, value: unknown) => TECHNICAL.test(name) || (typeof value === "string" && ID.test(value));

const isEmpty = (value: unknown) => value === null || value === "" || (Array.isArray(value) && value.length === 0);

function line(name: string, value: unknown): string {
  return t("audit.detail", { name: known("audit.detail", name) ?? fieldOr(name), value: shown(name, value) });
}

/** A name that is none of ours: a field, a keyword, or the word as it is. */
function fieldOr(name: string): string {
  const field = fieldName(name);
  return field === name ? word("audit.detail", name) : field;
}

function shown(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => shown(name, each)).join(", ");
  if (typeof value === "boolean") return t(`audit.value.${value}`);
  if (typeof value === "number") return name === "seconds" ? formatSpan(value) : formatNumber(value);
  if (typeof value === "string") return said(name, value);
  return Object.entries(value ?? {})
    .filter(([, each]) => !isEmpty(each))
    .map(([inner, each]) => line(inner, each))
    .join("; ");
}

function said(name: string, value: string): string {
  for (const prefix of WORDS[name] ?? []) {
    const own = known(prefix, value);
    if (own !== null) return own;
  }
  if (name in WORDS && CODE.test(value)) return word("audit.code", value);
  const field = FIELDS.has(name) ? fieldName(value) : value;
  if (field !== value) return field;
  return INSTANT.test(value) ? formatInstant(value) : formatDay(value);
}
