/** When nobody has worked in any tab for the time that the server sets, the pages are locked. */

import { isRecord } from "../api/errors";
import type { Store } from "../api/session";

const TELL_EVERY_MS = 5_000;
const KEY = "ehr-bridge.used";

interface Deps {
  now: () => number;
  later: (ms: number, call: () => void) => () => void;
  /** Nobody has worked for so long. */
  onIdle: () => void;
  /** Tell the other tabs that somebody works here. */
  tell: () => void;
  /** The tab's own storage: a page that is left and found again knows how long nobody has worked. */
  store?: Store | null;
}

/** When somebody last worked in this tab before its page was loaded, and when it was to be locked (Infinity: never). */
export function lastUse(store: Store | null): { usedAt: number; lockAt: number } | null {
  try {
    const kept: unknown = JSON.parse(store?.getItem(KEY) ?? "null");
    if (!isRecord(kept) || typeof kept.usedAt !== "number" || typeof kept.limitMs !== "number") return null;
    return { usedAt: kept.usedAt, lockAt: kept.limitMs > 0 ? kept.usedAt + kept.limitMs : Infinity };
  } catch {
    return null;
  }
}

export class Idle {
  private usedAt: number;
  private toldAt = 0;
  /** Negative until the server has said it. */
  private limitMs = -1;
  private callOff: (() => void) | null = null;

  constructor(private readonly deps: Deps) {
    this.usedAt = deps.now();
  }

  /** Lock after so many minutes without work; 0: never. */
  set(minutes: number): void {
    this.limitMs = minutes * 60_000;
    this.keep();
    this.look();
  }

  /** Somebody begins, or goes on after a lock. */
  begin(): void {
    this.usedAt = this.deps.now();
    this.keep();
    this.look();
  }

  /** Somebody works in this tab. Too late where the computer has slept: then the page is locked first. */
  used(): void {
    const now = this.deps.now();
    if (now - this.usedAt < 1_000) return;
    if (this.isOver(now)) return this.deps.onIdle();
    this.usedAt = now;
    if (now - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = now;
    this.keep();
    this.deps.tell();
  }

  /** Somebody works in another tab. */
  usedElsewhere(): void {
    const now = this.deps.now();
    if (this.isOver(now)) return this.deps.onIdle();
    this.usedAt = now;
    this.keep();
  }

  /** Lock if it is time, else look again when it will be. */
  look = (): void => {
    this.callOff?.();
    this.callOff = null;
    if (this.limitMs <= 0) return;
    const now = this.deps.now();
    if (this.isOver(now)) return this.deps.onIdle();
    this.callOff = this.deps.later(this.usedAt + this.limitMs - now, this.look);
  };

  /** Before the server has said after how long pages lock, what was kept stands. */
  private keep(): void {
    if (this.limitMs < 0) return;
    try {
      this.deps.store?.setItem(KEY, JSON.stringify({ usedAt: this.usedAt, limitMs: this.limitMs }));
    } catch {
      // A full or forbidden store: a page that is found again asks the other tabs only.
    }
  }

  private isOver(now: number): boolean {
    return this.limitMs > 0 && now - this.usedAt >= this.limitMs;
  }
}

const WORK = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

/** Keys, pointer and wheel count as work; so does nothing that a page does by itself. */
export function watchWork(idle: Idle): void {
  for (const kind of WORK) window.addEventListener(kind, () => idle.used(), { capture: true, passive: true });
  document.addEventListener("visibilitychange", idle.look);
  window.addEventListener("pageshow", idle.look);
}
