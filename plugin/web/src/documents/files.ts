/** What files a document can be made of, and what they are taken for. Pure. */
import type { DocumentKind } from "../api/chart";

export const KINDS: readonly DocumentKind[] = ["referral", "consent", "outside_report", "laboratory", "questionnaire", "photo", "other"];
export const ACCEPTED = "application/pdf,image/jpeg,image/png,.pdf,.jpg,.jpeg,.png";

const BY_ENDING: Readonly<Record<string, string>> = { pdf: "application/pdf", jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png" };
const TYPES = new Set(Object.values(BY_ENDING));
const LONGEST = 64;

/** The media type of a file by what the browser says, else by its name; null: none that the server takes. */
export function typeOf(file: Pick<File, "name" | "type">): string | null {
  if (TYPES.has(file.type)) return file.type;
  return (file.type === "" && BY_ENDING[(file.name.split(".").pop() ?? "").toLowerCase()]) || null;
}

/** A title to begin with: the file's name, unless a camera or scanner has made it up. */
export function titleOf(name: string): string {
  const plain = name.replace(/\.[^.]*$/, "").replaceAll(/[_\\]+/g, " ").trim();
  return /^((img|dsc|dscf|pxl|scan|photo|image|foto|bild|whatsapp image|screenshot)[\s\-\d().at]*|[\d\s\-.()]*)$/i.test(plain) ? "" : plain.slice(0, LONGEST);
}

/** What it most likely is: a picture of a paper is rarer than a photograph. */
export function kindOf(type: string): DocumentKind {
  return type === "application/pdf" ? "referral" : "photo";
}
