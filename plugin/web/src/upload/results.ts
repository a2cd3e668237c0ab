/** The answers to many files, gathered into one result per study. Pure. */
import type { Coercion, Match } from "../api/types";
import type { KnownLink } from "./known/known";
import { isPaperGroup } from "./papers";
import type { Queue } from "./queue";

export interface StudyResult {
  studyInstanceUid: string;
  /** The server's opinion; of several, the one that most is said against. */
  match: Match | null;
  /** Each distinct replacement once, in the order first seen. */
  coerced: Coercion[];
  stored: number;
  duplicate: number;
  /** Not sent, because the server had them. */
  skipped: number;
  /** Whose the study is, as the server said when files were skipped. */
  link: KnownLink | null;
  failed: number;
}

export function resultsByStudy(queue: Queue): StudyResult[] {
  const results = new Map<string, StudyResult>();
  const seen = new Set<string>();

  const resultOf = (uid: string): StudyResult => {
    let result = results.get(uid);
    if (!result) {
      result = { studyInstanceUid: uid, match: null, coerced: [], stored: 0, duplicate: 0, skipped: 0, link: null, failed: 0 };
      results.set(uid, result);
    }
    return result;
  };

  for (const { answer, state, known, group } of queue.files) {
    if (isPaperGroup(group)) continue;
    if (state === "skipped") {
      const result = resultOf(known?.studyInstanceUid ?? group);
      result.skipped += 1;
      result.link ??= known?.link ?? null;
    }
    if (!answer) continue;
    for (const instance of answer.instances) {
      if (instance.study_instance_uid) resultOf(instance.study_instance_uid)[instance.status] += 1;
    }
    for (const study of answer.studies) {
      const result = resultOf(study.study_instance_uid);
      if (study.match && saysMore(study.match, result.match)) result.match = study.match;
      for (const coercion of study.coerced) {
        const key = JSON.stringify([study.study_instance_uid, coercion.tag, coercion.before, coercion.after]);
        if (seen.has(key)) continue;
        seen.add(key);
        result.coerced.push(coercion);
      }
    }
  }
  return [...results.values()];
}

/**
 * Whether an answer says more of its study than the one before. One image in doubt puts its study in doubt, whatever the
 * others are; else the later verdict holds, and of those alike the first says most.
 */
function saysMore(match: Match, before: Match | null): boolean {
  if (!before) return true;
  const more = doubt(match) - doubt(before);
  return more > 0 || (more === 0 && match.kind !== before.kind);
}

function doubt({ kind, evidence }: Match): number {
  return kind === "ambiguous" ? 2 : evidence.some(({ agrees }) => agrees === false) ? 1 : 0;
}

/** A DICOM value as text: several values are joined as DICOM does, nothing is "". */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(valueText).join("\\");
  return typeof value === "string" ? value : JSON.stringify(value);
}
