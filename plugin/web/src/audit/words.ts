/** What the audit page asks and says. Pure. */
import { en } from "../i18n/en";
import { t, word } from "../i18n";

const PREFIX = "audit.action.";

/** Every action there is a word for: each that this version writes. */
export const ACTIONS = Object.keys(en)
  .filter((key) => key.startsWith(PREFIX))
  .map((key) => key.slice(PREFIX.length))
  .sort();

/** An event's detail as short lines: "door: upload". */
export function detailLines(detail: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => t("audit.detail", { name: word("audit.detail", name), value: shown(value) }));
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
