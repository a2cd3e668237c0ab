/** An upload in words: the running announcement and the final sentence. Pure. */
import { formatList, t } from "../i18n";
import { isActive, totals, type Queue, type Totals } from "./queue";

export type OutcomeKind = "good" | "warn" | "bad";

/** Spoken while it runs: the start and each quarter, not every file. */
export function announcement(queue: Queue, waiting: boolean): string {
  const sum = totals(queue);
  if (sum.files === 0) return "";
  if (!isActive(queue)) return outcome(sum).text;
  if (queue.needsSignIn) return t("upload.progress.sign_in");
  if (queue.paused) return t("upload.progress.paused");
  if (waiting) return t(queue.offline ? "upload.say.offline" : "upload.say.waiting");
  const quarter = Math.floor((4 * sum.settled) / sum.files);
  if (quarter === 0) return t("upload.say.started", { count: sum.files });
  const reached = Math.ceil((quarter * sum.files) / 4);
  return t("upload.say.progress", { percent: 25 * quarter, done: reached, total: sum.files });
}

export function outcome(sum: Totals): { kind: OutcomeKind; text: string } {
  const { files: count, stored, duplicate, skipped, failed, cancelled } = sum;
  if (stored === count) return { kind: "good", text: t("upload.done.all", { count }) };
  if (skipped === count) return { kind: "good", text: t("upload.done.skipped", { count }) };
  if (duplicate === count) return { kind: "good", text: t("upload.done.known", { count }) };
  if (failed === count) return { kind: "bad", text: t("upload.done.none", { count }) };
  const parts = partsOf(sum);
  if (cancelled > 0) return { kind: "warn", text: t("upload.done.cancelled", { parts }) };
  return { kind: failed > 0 ? "warn" : "good", text: t("upload.done.some", { parts }) };
}

const PARTS = ["stored", "duplicate", "skipped", "failed", "cancelled"] as const;

/** "3 stored, 1 failed": what there is none of is not said. */
export function partsOf(counts: Partial<Record<(typeof PARTS)[number], number>>): string {
  return formatList(PARTS.flatMap((part) => (counts[part] ? [t(`upload.part.${part}`, { count: counts[part] })] : [])));
}
