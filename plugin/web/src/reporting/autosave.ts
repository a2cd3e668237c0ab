/**
 * What somebody is writing, and what of it the server has. Pure but for the two functions it is given and a timer.
 *
 * Saved a second after the last key, one request at a time. Nothing is ever saved over what somebody else saved: then
 * (412) both are kept until a person has decided. What the server refuses for good stays on the page.
 */
import { ApiError } from "../api/errors";
import type { Draft, Saved } from "../api/reports";
import { isSame } from "./conflict";

export type Saving =
  | { kind: "saved" }
  | { kind: "changed" }
  | { kind: "saving" }
  /** Tried again by itself. */
  | { kind: "failed"; error: Error }
  | { kind: "conflict"; theirs: Saved }
  /** Never saved here any more: signed, claimed by somebody else, withdrawn. */
  | { kind: "refused"; error: Error };

export interface Shown {
  draft: Draft;
  saving: Saving;
  savedAt: string;
}

interface Parts {
  save: (draft: Draft, tag: string, leaving: boolean) => Promise<Saved>;
  /** What the server has now. Throws ApiError when nothing is being written any more. */
  load: () => Promise<Saved>;
  later: (ms: number, call: () => void) => () => void;
}

const PAUSE_MS = 1_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;

export class Autosave {
  private shown: Shown;
  private base: Saved;
  private cancel: () => void = () => {};
  private running: Promise<void> | null = null;
  private retryMs = FIRST_RETRY_MS;
  private readonly listeners = new Set<() => void>();

  constructor(
    first: Saved,
    private readonly parts: Parts,
  ) {
    this.base = first;
    this.shown = { draft: first.draft, saving: { kind: "saved" }, savedAt: first.savedAt };
  }

  snapshot = (): Shown => this.shown;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The tag of what the server has, for the next request on it. */
  tag(): string {
    return this.base.tag;
  }

  /** Another request on the report was answered: nothing was written, but its tag is another one. */
  adopt(tag: string): void {
    if (tag) this.base = { ...this.base, tag };
  }

  edit(change: (draft: Draft) => Draft): void {
    const draft = change(this.shown.draft);
    if (draft === this.shown.draft) return;
    const isHeld = this.shown.saving.kind === "conflict" || this.shown.saving.kind === "refused";
    this.show({ draft, ...(isHeld ? {} : { saving: { kind: this.running ? "saving" : "changed" } as const }) });
    if (!isHeld) this.wait(PAUSE_MS);
  }

  /** Save at once; whether the server has everything then. */
  async flush(): Promise<boolean> {
    this.cancel();
    while (this.isBehind() && !this.isStopped()) {
      await (this.running ?? this.start());
      if (this.shown.saving.kind === "failed") break;
    }
    return !this.isBehind() && !this.isStopped();
  }

  /** The page goes away: one last request, whose answer nobody waits for. */
  leave(): void {
    this.cancel();
    if (this.isBehind() && !this.isStopped()) void this.parts.save(this.shown.draft, this.base.tag, true).catch(() => {});
  }

  /** A person has seen both and says what it is to be. */
  async resolve(draft: Draft): Promise<boolean> {
    const { saving } = this.shown;
    if (saving.kind !== "conflict") return false;
    this.base = saving.theirs;
    this.show({ draft, saving: { kind: "changed" } });
    return this.flush();
  }

  stop(): void {
    this.cancel();
    this.listeners.clear();
  }

  private isBehind(): boolean {
    return !isSame(this.shown.draft, this.base.draft);
  }

  private isStopped(): boolean {
    return this.shown.saving.kind === "conflict" || this.shown.saving.kind === "refused";
  }

  private wait(ms: number): void {
    this.cancel();
    this.cancel = this.parts.later(ms, () => void this.flush());
  }

  private start(): Promise<void> {
    this.running = this.once().finally(() => (this.running = null));
    return this.running;
  }

  private async once(): Promise<void> {
    const { draft } = this.shown;
    this.show({ saving: { kind: "saving" } });
    try {
      this.base = { ...(await this.parts.save(draft, this.base.tag, false)), draft };
      this.retryMs = FIRST_RETRY_MS;
      this.show({ savedAt: this.base.savedAt, saving: { kind: this.isBehind() ? "changed" : "saved" } });
    } catch (error) {
      await this.failed(error as Error);
    }
  }

  private async failed(error: Error): Promise<void> {
    const code = error instanceof ApiError ? error : null;
    try {
      if (code?.status === 412) return this.meet(await this.parts.load());
    } catch (other) {
      return this.refuseOrRetry(other as Error);
    }
    this.refuseOrRetry(error);
  }

  /** Somebody saved in between: the same text under another tag is no reason to ask. */
  private meet(theirs: Saved): void {
    if (isSame(theirs.draft, this.base.draft) || isSame(theirs.draft, this.shown.draft)) {
      this.base = theirs;
      this.show({ saving: { kind: this.isBehind() ? "changed" : "saved" } });
    } else this.show({ saving: { kind: "conflict", theirs } });
  }

  private refuseOrRetry(error: Error): void {
    // A session that ended is one of those to try again: its user signs in over this page.
    const isPassing = !(error instanceof ApiError) || error.retryable || error.status === 401;
    if (!isPassing) return this.show({ saving: { kind: "refused", error } });
    this.show({ saving: { kind: "failed", error } });
    this.wait(this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
  }

  private show(change: Partial<Shown>): void {
    this.shown = { ...this.shown, ...change };
    for (const listener of this.listeners) listener();
  }
}
