/** A language for tests, made of the English one: longer, with marks around each message, and read from right to left. */
import { en } from "./en";
import type { Catalogue, Message } from "./message";

const LETTERS: Readonly<Record<string, string>> = { a: "á", e: "ë", i: "î", o: "ø", u: "ü", A: "Å", E: "É", I: "Ï", O: "Ö", U: "Ú", n: "ñ", c: "ç" };
/** By so much other languages are longer than English. */
const LONGER = 0.4;
const BLANK = /(\{\w+\})/;

export const pseudo = Object.fromEntries(
  Object.entries(en).map(([key, message]: [string, Message]) => [
    key,
    typeof message === "string" ? longer(message) : Object.fromEntries(Object.entries(message).map(([form, text]) => [form, longer(text)])),
  ]),
) as Catalogue;

function longer(text: string): string {
  const spoken = text.split(BLANK).map((part) => (BLANK.test(part) ? part : part.replace(/[a-zA-Z]/g, (letter) => LETTERS[letter] ?? letter)));
  return `⟦${spoken.join("")}${" ýøü".repeat(Math.ceil((text.length * LONGER) / 4))}⟧`;
}
