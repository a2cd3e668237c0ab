/** Files that become templates of reports. Pure. */
import { isRecord } from "../api/errors";
import type { Template, TemplateBody } from "../api/reports";
import type { Subject } from "./worklist";

export class TemplateFault extends Error {}

/** "CT Head (adult).html" as "ct-head-adult": what a template is called when a file is imported. */
export function nameOf(file: string): string {
  const plain = file.replace(/\.[^.]*$/, "").normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 60).replace(/-+$/, "") || "template";
}

/** What is sent for it: JSON as it stands, a page as IHE MRRT; the server judges both. Throws TemplateFault. */
export function templateOf(text: string): TemplateBody {
  if (/^\s*</.test(text)) return { mrrt: text } as TemplateBody;
  try {
    const read: unknown = JSON.parse(text);
    if (isRecord(read)) {
      // The name is the file's; what the server adds to a template that was taken from it is left out.
      const { title, language, modalities, body_part, sections } = read;
      return { title, language, modalities: modalities ?? [], body_part, sections } as TemplateBody;
    }
  } catch {
    // Not JSON: said below.
  }
  throw new TemplateFault();
}

/** How the report of an order, or of a study without one, is begun. */
export function beginning({ of, modality, body_part: part }: Subject, templates: readonly Template[]): Subject["of"] & { template?: string } {
  const template = fitting(templates, modality, part);
  return { ...of, ...(template && { template: template.name }) };
}

/** The template that fits an examination best: one of its modality and body part, then of its modality; null: none does. */
export function fitting<T extends { modalities: readonly string[]; body_part: string | null }>(templates: readonly T[], modality: string, bodyPart: string | null): T | null {
  const ofKind = templates.filter(({ modalities }) => modalities.includes(modality));
  const wanted = bodyPart?.toUpperCase();
  return ofKind.find(({ body_part: part }) => part !== null && part.toUpperCase() === wanted) ?? ofKind.find(({ body_part: part }) => part === null) ?? null;
}
