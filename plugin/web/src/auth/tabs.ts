/**
 * One sign-in for all tabs of a browser: they tell each other by BroadcastChannel, which only windows of this origin
 * hear. Nothing is stored for it: with the last tab the session is gone. docs/security.md says against whom this
 * protects, and against whom it cannot.
 *
 * Two channels. `session` carries tokens, and only our own pages open it, none of them in a frame. `desk` carries no
 * secret: that somebody works (in OHIF too), that the pages are locked, and who may go on.
 */
import { isRecord } from "../api/errors";
import { heldIn, readHeld, type Held, type Session } from "../api/session";

/** The part of BroadcastChannel that is used. */
export type Channel = Pick<BroadcastChannel, "postMessage" | "close"> & { onmessage: ((event: MessageEvent) => void) | null };

export const openChannel = (name: "session" | "desk"): Channel => new BroadcastChannel(`ehr-bridge.${name}`);

/** So long a new tab waits for another one to answer before it asks to sign in; an answer that comes later counts too. */
const PATIENCE_MS = 200;

/** So long the answers to its question may lock a tab whose session was found in it. */
const FOUND_MS = 5_000;

interface Deps {
  session: Session;
  /** Null in a frame: it gets no session and gives none. */
  shared: Channel | null;
  desk: Channel;
  /** This tab goes on with another session of the same person: what was asked without is asked again. */
  onAdopted: () => void;
  /** Its user has signed out elsewhere: leave nothing of them behind. */
  onSignedOut: () => void;
  /** Somebody works in another tab. */
  onUsed: () => void;
  /** When somebody last worked in this tab before its page was loaded. */
  usedAt?: number | undefined;
}

export class Tabs {
  private answered: () => void = () => {};
  /** Locks of other tabs since then are for this tab too, which was not there to hear of them; null: it was. */
  private missedSince: number | null = null;

  constructor(private readonly deps: Deps) {
    const { session, shared, desk } = deps;
    if (shared) shared.onmessage = (event) => this.hear(event.data);
    desk.onmessage = (event) => this.hearDesk(event.data);
    session.onTold = (told) => {
      if (told.say === "began" && !told.held.launched) shared?.postMessage({ say: "session", held: told.held });
      if (told.say === "out" && !told.launched) shared?.postMessage(told);
      // Images are covered too, unless another page of the same person is open.
      if (told.say === "ended") desk.postMessage({ say: "is_locked", username: told.username, ended: true });
      else if (told.say !== "began") desk.postMessage(told);
      // Who was launched is known once the server has said so.
      else if (!told.held.launched) desk.postMessage({ say: "open", username: told.held.username });
    };
  }

  /**
   * Ask the other tabs for the session; done when one has answered, or nobody has for a moment. A session that was found in
   * this tab (reload, Back, "reopen closed tab") asks whether they were locked meanwhile, and waits for nothing.
   */
  async ask(): Promise<void> {
    const { session, shared, desk, usedAt = 0 } = this.deps;
    const state = session.snapshot();
    if (state.kind === "active" && !session.isProved()) {
      this.missedSince = Math.max(usedAt, state.since);
      setTimeout(() => (this.missedSince = null), FOUND_MS);
      desk.postMessage({ say: "asks" });
      if (!state.launched) shared?.postMessage({ say: "ask" });
      return;
    }
    // One that is locked with nothing to go on with is as a new one.
    const isEmpty = state.kind === "none" || (state.kind === "locked" && !state.launched && !state.held && !state.next);
    if (!shared || !isEmpty) return;
    await new Promise<void>((done) => {
      this.answered = done;
      setTimeout(done, PATIENCE_MS);
      shared.postMessage({ say: "ask" });
    });
  }

  /** Somebody works in this tab. */
  used(): void {
    this.deps.desk.postMessage({ say: "used" });
  }

  /** A person whom the EHR has signed in is known to the server: their page in another tab may go on. */
  launched(username: string): void {
    this.deps.desk.postMessage({ say: "launched", username });
  }

  private hear(data: unknown): void {
    const { session, shared, onAdopted, onSignedOut } = this.deps;
    if (!isRecord(data)) return;
    if (data.say === "ask") {
      const said = answerOf(session);
      if (said) shared?.postMessage(said);
    }
    if (data.say === "session") {
      const held = readHeld(data.held);
      if (held && !held.launched && held.username && session.adopt(held)) onAdopted();
      this.answered();
    }
    if (data.say === "locked" && typeof data.username === "string") {
      session.lockedBy(data.username, timeIn(data.at));
      this.hearLock(data.at);
      this.answered();
    }
    if (data.say === "out" && typeof data.username === "string" && session.signedOutElsewhere(data.username)) onSignedOut();
  }

  /** Another tab says that it was locked then. */
  private hearLock(at: unknown): void {
    if (this.missedSince !== null && timeIn(at) > this.missedSince) this.deps.session.lockFound(timeIn(at));
  }

  private hearDesk(data: unknown): void {
    const { session, desk, onUsed } = this.deps;
    if (!isRecord(data)) return;
    if (data.say === "used") onUsed();
    if (data.say === "lock") session.lock(false);
    const state = session.snapshot();
    // A tab with images: whether it is to be covered.
    if (data.say === "asks" && (state.kind === "active" || state.kind === "locked")) desk.postMessage({ say: state.kind === "active" ? "is_open" : "is_locked", username: state.username, at: session.sinceLocked() });
    if (data.say === "is_locked") this.hearLock(data.at);
    if (data.say === "is_locked" && data.ended === true && state.kind === "active" && state.username === data.username) desk.postMessage({ say: "is_open", username: state.username });
    if (data.say === "launched" && state.kind === "locked" && state.launched && state.username === data.username) session.unlock(false);
  }
}

const timeIn = (at: unknown): number => (typeof at === "number" ? at : 0);

/** What a new tab is told: never the token of a session that the EHR began, nor one that is locked. */
function answerOf(session: Session): { say: "session"; held: Held } | { say: "locked"; username: string; at: number } | null {
  const state = session.snapshot();
  if (state.kind === "active" && !state.launched) return { say: "session", held: heldIn(state) };
  if (state.kind === "locked" && !state.launched) return state.next ? { say: "session", held: state.next } : { say: "locked", username: state.username, at: session.sinceLocked() };
  return null;
}
