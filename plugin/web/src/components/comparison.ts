/** Files beside the EHR, value by value, as the server compared them. Pure. */
import type { Difference } from "../api/reconciliation";
import type { Evidence } from "../api/types";
import { reasonOf } from "../i18n/reason";

/**
 * How one value of the files stands to the EHR's.
 *
 * same: letter for letter; filled: the files say nothing; form: the same, written otherwise; slip: but for a digit or
 * letter; other: something else; unlike: not compared, and not the same.
 */
export type Mark = "same" | "filled" | "form" | "slip" | "other" | "unlike";

export interface Row {
  tag: string;
  file: string | null;
  /** Null where the EHR says nothing. */
  ehr: string | null;
  mark: Mark;
  /** The server's words, where there is more to say than the values. */
  detail: string;
}

/** Fields of evidence that are no attribute of the files. */
const NO_VALUE = ["confirmation", "order", "study", "patient"];

/** What was compared and what would be replaced: attributes with their values, then what contradicts without having any. */
export function rowsOf(differences: readonly Difference[], evidence: readonly Evidence[]): Row[] {
  const lineOf = (tag: string) => evidence.find(({ field }) => field === tag);
  const rows = differences.map((difference): Row => {
    const line = lineOf(difference.tag);
    return { tag: difference.tag, file: difference.file, ehr: difference.ehr, mark: markOf(difference, line), detail: line ? reasonOf(line) : "" };
  });
  const shown = new Set(differences.map(({ tag }) => tag));
  for (const line of evidence) {
    const mark = gradeOf(line);
    if (shown.has(line.field) || NO_VALUE.includes(line.field) || (mark !== "slip" && mark !== "other")) continue;
    rows.push({ tag: line.field, file: null, ehr: null, mark, detail: reasonOf(line) });
  }
  return rows;
}

/** What a person is asked about: whatever contradicts. */
export function contradictions(evidence: readonly Evidence[]): Evidence[] {
  return evidence.filter(({ agrees }) => agrees === false);
}

function markOf({ differs, file }: Difference, line: Evidence | undefined): Mark {
  if (line && line.agrees === false) return "other";
  if (!differs) return "same";
  if (file === "") return "filled";
  const grade = line && gradeOf(line);
  // The values are not the same letter for letter, whatever was graded.
  return !grade ? "unlike" : grade === "same" ? "form" : grade;
}

function gradeOf({ agrees, grade }: Evidence): Mark {
  if (agrees === false) return "other";
  return grade === "silent" ? "unlike" : grade;
}
