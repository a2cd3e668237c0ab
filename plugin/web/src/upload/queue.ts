/**
 * The upload queue: which file is where, and which may start now. Pure: no network, no clock.
 *
 * Takes what happened (`added`, `started`, `progressed`, `settled`, …), gives the next queue.
 * A file that fails never stops the others.
 */
import type { UploadAnswer } from "../api/types";
import type { Problem, Verdict } from "./verdict";

export const PARALLEL = 4;

export type FileState = "waiting" | "sending" | "stored" | "duplicate" | "failed" | "cancelled";

export interface QueuedFile {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly state: FileState;
  readonly sent: number;
  /** How often sending it was begun since the user last asked for it. */
  readonly attempts: number;
  /** Not to be started before this moment (ms). */
  readonly notBefore: number;
  readonly problem: Problem | null;
  readonly answer: UploadAnswer | null;
}

export interface Queue {
  readonly uploadId: string;
  readonly files: readonly QueuedFile[];
  /** The server asked everybody to wait until this moment (ms). */
  readonly notBefore: number;
  /** Stands still until the user has signed in again. */
  readonly needsSignIn: boolean;
}

export interface Totals {
  files: number;
  settled: number;
  stored: number;
  duplicate: number;
  failed: number;
  cancelled: number;
  bytes: number;
  sent: number;
}

export interface Plan {
  /** Ids of the files to start now. */
  start: number[];
  /** When to look again although nothing happened, or null. */
  wakeAt: number | null;
}

export function emptyQueue(uploadId: string): Queue {
  return { uploadId, files: [], notBefore: 0, needsSignIn: false };
}

export function added(queue: Queue, files: readonly { id: number; name: string; size: number }[]): Queue {
  const fresh = files.map(({ id, name, size }) => ({ id, name, size, ...untouched }));
  return { ...queue, files: [...queue.files, ...fresh] };
}

export function planned(queue: Queue, now: number, parallel = PARALLEL): Plan {
  if (queue.needsSignIn) return { start: [], wakeAt: null };
  const waiting = queue.files.filter((file) => file.state === "waiting");
  if (waiting.length === 0) return { start: [], wakeAt: null };
  if (now < queue.notBefore) return { start: [], wakeAt: queue.notBefore };
  const free = parallel - queue.files.filter((file) => file.state === "sending").length;
  if (free <= 0) return { start: [], wakeAt: null };
  const ready = waiting.filter((file) => file.notBefore <= now).slice(0, free);
  const later = waiting.filter((file) => file.notBefore > now).map((file) => file.notBefore);
  const wakeAt = ready.length < free && later.length > 0 ? Math.min(...later) : null;
  return { start: ready.map((file) => file.id), wakeAt };
}

export function started(queue: Queue, id: number): Queue {
  return change(queue, id, (file) => ({ ...file, state: "sending", sent: 0, attempts: file.attempts + 1 }));
}

export function progressed(queue: Queue, id: number, sent: number): Queue {
  return change(queue, id, (file) => ({ ...file, sent: Math.min(sent, file.size) }));
}

/** What the answer to one attempt makes of the file and of the queue. */
export function settled(queue: Queue, id: number, verdict: Verdict, now: number): Queue {
  switch (verdict.kind) {
    case "done":
      return change(queue, id, (file) => ({
        ...file,
        state: verdict.state,
        sent: file.size,
        problem: verdict.problem,
        answer: verdict.answer,
      }));
    case "failed":
      return change(queue, id, (file) => ({ ...file, state: "failed", sent: 0, problem: verdict.problem }));
    case "again": {
      const notBefore = now + verdict.afterMs;
      const next = change(queue, id, (file) => ({ ...file, state: "waiting", sent: 0, notBefore }));
      return verdict.everybody ? { ...next, notBefore: Math.max(next.notBefore, notBefore) } : next;
    }
    case "sign_in": {
      // The attempt does not count: it was the session that failed, not the file.
      const next = change(queue, id, (file) => ({
        ...file,
        state: "waiting",
        sent: 0,
        attempts: file.attempts - 1,
      }));
      return sessionEnded(next);
    }
  }
}

export function sessionEnded(queue: Queue): Queue {
  return queue.needsSignIn ? queue : { ...queue, needsSignIn: true };
}

export function signedInAgain(queue: Queue): Queue {
  return { ...queue, needsSignIn: false };
}

/** Everything not yet answered is given up; what is stored stays stored. */
export function cancelled(queue: Queue): Queue {
  const files = queue.files.map((file) =>
    isOpen(file) ? { ...file, state: "cancelled" as const, sent: 0 } : file,
  );
  return { ...queue, files, notBefore: 0, needsSignIn: false };
}

/** Send again what failed for a reason that may pass, and what was cancelled. */
export function retried(queue: Queue): Queue {
  const files = queue.files.map((file) => (isRetryable(file) ? { ...file, ...untouched } : file));
  return { ...queue, files, notBefore: 0 };
}

export function retryableCount(queue: Queue): number {
  return queue.files.filter(isRetryable).length;
}

export function isActive(queue: Queue): boolean {
  return queue.files.some(isOpen);
}

export function totals(queue: Queue): Totals {
  const sum: Totals = { files: 0, settled: 0, stored: 0, duplicate: 0, failed: 0, cancelled: 0, bytes: 0, sent: 0 };
  for (const file of queue.files) {
    sum.files += 1;
    sum.bytes += file.size;
    // A refused file was worked off, a cancelled one was not.
    if (file.state !== "cancelled") sum.sent += isOpen(file) ? file.sent : file.size;
    if (file.state === "waiting" || file.state === "sending") continue;
    sum.settled += 1;
    sum[file.state] += 1;
  }
  return sum;
}

const untouched = {
  state: "waiting" as const,
  sent: 0,
  attempts: 0,
  notBefore: 0,
  problem: null,
  answer: null,
};

function isOpen(file: QueuedFile): boolean {
  return file.state === "waiting" || file.state === "sending";
}

function isRetryable(file: QueuedFile): boolean {
  return file.state === "cancelled" || (file.state === "failed" && (file.problem?.retryable ?? true));
}

function change(queue: Queue, id: number, edit: (file: QueuedFile) => QueuedFile): Queue {
  return { ...queue, files: queue.files.map((file) => (file.id === id ? edit(file) : file)) };
}
