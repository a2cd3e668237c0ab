/** Which files of a queue are still to be asked about, and what the answers make of them. Pure. */
import type { KnownFile } from "./known/known";
import { isPaperGroup } from "./papers";
import { isAsking, isLookingUp, type Queue } from "./queue";

/** How many files, and how many bytes of them, are looked up at once; the first few alone, so that sending begins soon. */
const FIRST_LOOK_UP = 8;
const LOOK_UP_FILES = 200;
const LOOK_UP_BYTES = 64_000_000;

/** Ids of the files to look up next; none while the queue stands still. */
export function toLookUp(queue: Queue): number[] {
  if (queue.needsSignIn || queue.paused) return [];
  const asking = queue.files.filter(isAsking);
  const most = asking.length === queue.files.length ? FIRST_LOOK_UP : LOOK_UP_FILES;
  const ids: number[] = [];
  let bytes = 0;
  for (const { id, size } of asking.slice(0, most)) {
    bytes += size;
    if (ids.length > 0 && bytes > LOOK_UP_BYTES) break;
    ids.push(id);
  }
  return ids;
}

/** These were looked up: those in `known` are skipped, the others may start. */
export function lookedUp(queue: Queue, ids: Iterable<number>, known: ReadonlyMap<number, KnownFile> = new Map()): Queue {
  const answered = new Set(ids);
  const files = queue.files.map((file) => {
    if (!answered.has(file.id) || !isAsking(file)) return file;
    const found = known.get(file.id);
    return found ? { ...file, asks: false, state: "skipped" as const, known: found } : { ...file, asks: false };
  });
  return { ...queue, files };
}

/** Nothing more is asked: everything is sent, and the server recognises what it has. */
export function unasked(queue: Queue): Queue {
  return { ...queue, files: queue.files.map((file) => (file.asks ? { ...file, asks: false } : file)) };
}

/** How many files the upload sends in all, documents left out, which are no part of it; null while nobody knows. */
export function announced(queue: Queue): number | null {
  if (isLookingUp(queue)) return null;
  return queue.files.reduce((count, { state, group }) => (state === "skipped" || isPaperGroup(group) ? count : count + 1), 0);
}
