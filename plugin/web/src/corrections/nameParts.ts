/** A DICOM person name (PS3.5 section 6.2) as the fields a person fills in, and back. Pure. */

export const PARTS = ["family", "given", "middle", "prefix", "suffix"] as const;
export type Part = (typeof PARTS)[number];

export interface NameParts extends Record<Part, string> {
  /** The ideographic and phonetic writing, as it stands. */
  others: string;
}

export function splitName(name: string): NameParts {
  const [alphabetic = "", ...others] = name.split("=");
  const parts = alphabetic.split("^").map((part) => part.trim());
  return {
    ...(Object.fromEntries(PARTS.map((part, at) => [part, parts[at] ?? ""])) as Record<Part, string>),
    others: others.map((group) => `=${group}`).join(""),
  };
}

const COMMA = /\s*[,，、]\s*/;

/** "Schmidt, Anne" typed as a family name is family and given name, as long as nobody typed a given name. */
export function withoutComma(parts: NameParts): NameParts {
  const [family = "", given = "", ...more] = parts.family.split(COMMA);
  return parts.given || !family || !given || more.length > 0 ? parts : { ...parts, family, given };
}

/** Whether a comma stands where the server refuses it: inside a family, given or middle name. */
export function hasComma(name: string): boolean {
  return name.split("=").some((group) => group.split("^").slice(0, 3).some((part) => COMMA.test(part)));
}

/** What separates parts and values in DICOM is never part of one. */
export function joinName(parts: NameParts): string {
  const alphabetic = PARTS.map((part) => parts[part].replace(/[\^=\\]/g, "").trim()).join("^");
  return alphabetic.replace(/\^+$/, "") + parts.others;
}
