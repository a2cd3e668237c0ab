/** Two texts of one report, and what becomes of them. Pure. */
import type { Draft, Section } from "../api/reports";

export function isSame(one: Draft, other: Draft): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export interface Difference {
  at: number;
  title: string;
  mine: string;
  theirs: string;
}

/** The sections that say different things; one that only one of both has is empty in the other. */
export function differences(mine: Draft, theirs: Draft): Difference[] {
  const length = Math.max(mine.sections.length, theirs.sections.length);
  return Array.from({ length }, (_, at) => ({
    at,
    title: mine.sections[at]?.title ?? theirs.sections[at]?.title ?? "",
    mine: mine.sections[at]?.text ?? "",
    theirs: theirs.sections[at]?.text ?? "",
  })).filter((one) => one.mine !== one.theirs);
}

export type Pick = "mine" | "theirs" | "both";

/** What is to be saved: mine, with other texts where they were picked. `critical` and the rest: mine. */
export function merged(mine: Draft, theirs: Draft, picks: ReadonlyMap<number, Pick>): Draft {
  const length = Math.max(mine.sections.length, theirs.sections.length);
  const sections = Array.from({ length }, (_, at): Section => {
    const [own, other] = [mine.sections[at], theirs.sections[at]];
    const section = own ?? other ?? { code: "", title: "", text: "" };
    const pick = picks.get(at) ?? "mine";
    const texts = pick === "both" ? [own?.text, other?.text] : [pick === "mine" ? own?.text : other?.text];
    return { ...section, text: texts.filter(Boolean).join("\n") };
  });
  return { ...mine, sections };
}
