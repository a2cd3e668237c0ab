/**
 * The upload queue: which file is where, and which may start now. Pure: no network, no clock.
 *
 * Takes what happened (`added`, `started`, `progressed`, `settled`, …), gives the next queue.
 * A file that fails never stops the others.
 */
import type { UploadAnswer } from "../api/types";
import type { KnownFile } from "./known/known";
import type { Problem, Verdict } from "./verdict";

export const PARALLEL = 4;
/** How often a file is tried that gets no answer while others do. */
export const NETWORK_ATTEMPTS = 4;
const LONGEST_PAUSE_MS = 10_000;

export type FileState = "waiting" | "sending" | "stored" | "duplicate" | "skipped" | "failed" | "cancelled";

export interface QueuedFile {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  /** The study it belongs to, as far as the page knows. */
  readonly group: string;
  readonly state: FileState;
  /** Whether it is still to be asked if the server has it; it starts only when that is answered. */
  readonly asks: boolean;
  /** What the server has of it, where that is why it was skipped. */
  readonly known: KnownFile | null;
  readonly sent: number;
  /** How often sending it was begun since the user last asked for it. */
  readonly attempts: number;
  /** `Queue.answers` when it was first begun. */
  readonly answersBefore: number;
  readonly problem: Problem | null;
  readonly answer: UploadAnswer | null;
}

export interface Queue {
  readonly uploadId: string;
  readonly files: readonly QueuedFile[];
  /** Nothing starts before this moment (ms): the server is busy, or the connection is lost. */
  readonly notBefore: number;
  /** The last attempts got no answer at all. */
  readonly offline: boolean;
  /** How many answers came, whatever they said. */
  readonly answers: number;
  /** The user wants nothing more to be started for now. */
  readonly paused: boolean;
  /** Stands still until the user has signed in again. */
  readonly needsSignIn: boolean;
}

export interface Totals {
  files: number;
  settled: number;
  stored: number;
  duplicate: number;
  skipped: number;
  failed: number;
  cancelled: number;
  bytes: number;
  /** Worked off, skipped files included. */
  sent: number;
  skippedBytes: number;
}

export interface Plan {
  /** Ids of the files to start now. */
  start: number[];
  /** When to look again although nothing happened, or null. */
  wakeAt: number | null;
}

export function emptyQueue(uploadId: string): Queue {
  return { uploadId, files: [], notBefore: 0, offline: false, answers: 0, paused: false, needsSignIn: false };
}

export function added(queue: Queue, files: readonly (Pick<QueuedFile, "id" | "name" | "size" | "group"> & { asks?: boolean })[]): Queue {
  const fresh = files.map(({ id, name, size, group, asks = false }) => ({ id, name, size, group, asks, known: null, ...untouched }));
  return { ...queue, files: [...queue.files, ...fresh] };
}

export function planned(queue: Queue, now: number, parallel = PARALLEL): Plan {
  if (queue.needsSignIn || queue.paused) return { start: [], wakeAt: null };
  const waiting = queue.files.filter((file) => file.state === "waiting" && !file.asks);
  // The last one waits for the others' answers: somebody has to tell the server how many files there were.
  if (isLookingUp(queue)) waiting.pop();
  if (waiting.length === 0) return { start: [], wakeAt: null };
  if (now < queue.notBefore) return { start: [], wakeAt: queue.notBefore };
  const free = Math.max(0, parallel - queue.files.filter((file) => file.state === "sending").length);
  return { start: waiting.slice(0, free).map((file) => file.id), wakeAt: null };
}

/** Send what was skipped after all. */
export function sentAnyway(queue: Queue): Queue {
  const files = queue.files.map((file) => (file.state === "skipped" ? { ...file, ...untouched, known: null } : file));
  return { ...queue, files, notBefore: 0, paused: false };
}

export function started(queue: Queue, id: number): Queue {
  return change(queue, id, (file) => ({
    ...file,
    state: "sending",
    sent: 0,
    attempts: file.attempts + 1,
    answersBefore: file.attempts === 0 ? queue.answers : file.answersBefore,
  }));
}

/** Let nothing more begin; what is on its way arrives. */
export function paused(queue: Queue): Queue {
  return { ...queue, paused: true };
}

/** Go on now, also where a wait was going on. */
export function unpaused(queue: Queue): Queue {
  return { ...queue, paused: false, notBefore: 0 };
}

export function progressed(queue: Queue, id: number, sent: number): Queue {
  return change(queue, id, (file) => ({ ...file, sent: Math.min(sent, file.size) }));
}

/** What the answer to one attempt makes of the file and of the queue. */
export function settled(queue: Queue, id: number, verdict: Verdict, now: number): Queue {
  if (verdict.kind === "lost") return lost(queue, id, verdict.problem, now);
  return judged({ ...queue, offline: false, answers: queue.answers + 1 }, id, verdict, now);
}

function judged(queue: Queue, id: number, verdict: Exclude<Verdict, { kind: "lost" }>, now: number): Queue {
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
    case "busy": {
      const notBefore = now + verdict.afterMs;
      const next = change(queue, id, (file) => ({ ...file, state: "waiting", sent: 0 }));
      return { ...next, notBefore: Math.max(next.notBefore, notBefore) };
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

/**
 * No answer came. While the others get none either, the connection is down: everybody waits and tries again, for as
 * long as it takes. When the others do get answers it is this file that cannot pass: it is given up.
 */
function lost(queue: Queue, id: number, problem: Problem, now: number): Queue {
  const attempts = queue.files.find((file) => file.id === id)?.attempts ?? 1;
  const before = queue.files.find((file) => file.id === id)?.answersBefore ?? 0;
  if (attempts >= NETWORK_ATTEMPTS && queue.answers > before) {
    return change(queue, id, (file) => ({ ...file, state: "failed", sent: 0, problem }));
  }
  const notBefore = now + Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** (attempts - 1));
  const next = change(queue, id, (file) => ({ ...file, state: "waiting", sent: 0 }));
  return { ...next, offline: true, notBefore: Math.max(next.notBefore, notBefore) };
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
  return { ...queue, files, notBefore: 0, paused: false, needsSignIn: false };
}

/** Send again what failed for a reason that may pass, and what was cancelled. */
export function retried(queue: Queue): Queue {
  const files = queue.files.map((file) => (isRetryable(file) ? { ...file, ...untouched } : file));
  return { ...queue, files, notBefore: 0, paused: false };
}

/** Whether it is not decided yet what has to be sent. */
export function isLookingUp(queue: Queue): boolean {
  return queue.files.some(isAsking);
}

export function retryableCount(queue: Queue): number {
  return queue.files.filter(isRetryable).length;
}

export function isActive(queue: Queue): boolean {
  return queue.files.some(isOpen);
}

export function totals(queue: Pick<Queue, "files">): Totals {
  const sum: Totals = {
    files: 0, settled: 0, stored: 0, duplicate: 0, skipped: 0, failed: 0, cancelled: 0, bytes: 0, sent: 0, skippedBytes: 0,
  };
  for (const file of queue.files) {
    sum.files += 1;
    sum.bytes += file.size;
    // A refused file was worked off, a cancelled one was not.
    if (file.state !== "cancelled") sum.sent += isOpen(file) ? file.sent : file.size;
    if (file.state === "skipped") sum.skippedBytes += file.size;
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
  answersBefore: 0,
  problem: null,
  answer: null,
};

function isOpen(file: QueuedFile): boolean {
  return file.state === "waiting" || file.state === "sending";
}

export function isAsking(file: QueuedFile): boolean {
  return file.state === "waiting" && file.asks;
}

function isRetryable(file: QueuedFile): boolean {
  return file.state === "cancelled" || (file.state === "failed" && (file.problem?.retryable ?? true));
}

function change(queue: Queue, id: number, edit: (file: QueuedFile) => QueuedFile): Queue {
  const at = queue.files.findIndex((file) => file.id === id);
  if (at < 0) return queue;
  const files = [...queue.files];
  files[at] = edit(files[at]!);
  return { ...queue, files };
}

/** The files of each group, in the order of their first ones. */
export function byGroup(queue: Queue): Map<string, QueuedFile[]> {
  const groups = new Map<string, QueuedFile[]>();
  for (const file of queue.files) {
    const list = groups.get(file.group);
    if (list) list.push(file);
    else groups.set(file.group, [file]);
  }
  return groups;
}
