/** Texts under a short name. Pure. */
import type { Macro } from "../api/reports";

export interface Typed {
  text: string;
  /** Where the cursor stands. */
  caret: number;
}

/** What a blank after `.name` makes of the text; null where no macro has that name. */
export function expanded({ text, caret }: Typed, macros: readonly Macro[]): Typed | null {
  const before = text.slice(0, caret);
  const found = /(?:^|\s)\.(\S{1,32})\s$/.exec(before);
  const macro = found && macros.find(({ name }) => name.toLowerCase() === found[1]!.toLowerCase());
  if (!macro) return null;
  // The blank, or the end of the line, stays.
  const start = caret - found[1]!.length - 2;
  return { text: text.slice(0, start) + macro.text + text.slice(caret - 1), caret: start + macro.text.length + 1 };
}

/** The text with something put in where the cursor is. */
export function inserted({ text, caret }: Typed, what: string): Typed {
  return { text: text.slice(0, caret) + what + text.slice(caret), caret: caret + what.length };
}
