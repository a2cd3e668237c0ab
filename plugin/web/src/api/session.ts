/**
 * Who is signed in, in this tab.
 *
 * The token lives in memory and in sessionStorage, so that a reload keeps the session and closing
 * the tab ends it; it is never put into localStorage, a cookie or an address. Other tabs of the same
 * browser get it by message (auth/tabs.ts). A session that the server (or the clock) ends is `ended`,
 * not `none`: the page stays, hidden, until its user signs in again, so that a running upload is not
 * lost. A session in which a password must be chosen first has no token for anything else. A page that
 * is `locked` goes on with its work, hidden; its token is in memory only, so that a reload stays locked.
 * A session that is found in the tab (reload, Back, "reopen closed tab") is locked where the tab would have been, had it stayed.
 */
import type { SignInAnswer } from "./types";
import { isRecord } from "./errors";

/** A session that is good for asking the server. */
export interface Held {
  token: string;
  expiresAt: number | null;
  username: string;
  /** It was the EHR that signed this person in, who may have no password here. */
  launched: boolean;
  /** The page for which the EHR opened this tab; null: for all of them. */
  visit?: string | null;
  /** When it began (ms): of two sessions the later one counts. */
  since: number;
}

export type SessionState =
  | { kind: "none"; signedOut?: true }
  | ({ kind: "active" } & Held)
  | ({ kind: "new_password" } & Held)
  | { kind: "ended"; username: string; launched: boolean }
  | Locked;

/** Hidden until its user has proved again who they are. `held` is null after a reload; `next`: another person has signed in in another tab. */
export interface Locked {
  kind: "locked";
  username: string;
  launched: boolean;
  held: Held | null;
  next: Held | null;
}

/** What the user of this tab did, for the other tabs. */
export type Told =
  | { say: "began"; held: Held }
  | { say: "out"; username: string; launched: boolean }
  | { say: "lock" }
  | { say: "open"; username: string }
  | { say: "ended"; username: string };

export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "ehr-bridge.session";

export class Session {
  private state: SessionState;
  /** When the page was locked (ms); 0: it is not, or only hidden from another person. */
  private lockedAt = 0;
  /** The token whose person has proved who they are since this page was loaded. */
  private proved: string | null = null;
  private readonly listeners = new Set<() => void>();
  /** Hears what is done in this tab; the other tabs' doings come by `adopt`, `lock(false)` and `leave`. */
  onTold: (told: Told) => void = () => {};

  constructor(
    private readonly store: Store | null,
    private readonly now: () => number = Date.now,
  ) {
    const { state, lockedAt } = restore(store);
    this.state = state;
    this.lockedAt = lockedAt;
  }

  /** The current state; the same object until something changes. */
  snapshot = (): SessionState => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** What the server is asked with. Also behind a lock: uploads and drafts are not to be lost. */
  token(): string | null {
    if (this.state.kind === "locked") return this.state.held?.token ?? null;
    return this.state.kind === "active" ? this.state.token : null;
  }

  begin(answer: Pick<SignInAnswer, "token" | "expires_at"> & Partial<SignInAnswer>, username: string, launched = false): void {
    const expiresAt = Date.parse(answer.expires_at);
    // A token that seems expired on arrival means that this computer's clock is wrong: then the
    // server alone decides, by answering 401.
    const trusted = Number.isFinite(expiresAt) && expiresAt > this.now() ? expiresAt : null;
    const kind = answer.must_change_password ? "new_password" : "active";
    const held: Held = { token: answer.token, expiresAt: trusted, username, launched, since: this.now() };
    this.proved = held.token;
    this.set({ kind, ...held });
    if (kind === "active") this.onTold({ say: "began", held });
  }

  /** Whether its person has proved who they are since this page was loaded; else the session was found in this tab. */
  isProved(): boolean {
    return "token" in this.state && this.state.token === this.proved;
  }

  /** When the page was locked (ms); 0: it is not. */
  sinceLocked(): number {
    return this.state.kind === "locked" ? this.lockedAt : 0;
  }

  /** End the session that `token` belongs to; an answer to an older token ends nothing. */
  end(token: string): void {
    const { state } = this;
    if (state.kind === "locked" && state.held?.token === token) {
      this.set(state.next ? { ...state, held: null } : { kind: "ended", username: state.username, launched: state.launched });
    }
    if (!("token" in state) || state.token !== token) return;
    const { kind, username, launched } = state;
    this.set(kind === "active" ? { kind: "ended", username, launched } : { kind: "none" });
    if (kind === "active") this.onTold({ say: "ended", username });
  }

  /** The EHR opened this tab for one page: its user sees that, and what belongs to it. */
  see(visit: string): void {
    if (this.state.kind === "active" && this.state.launched && this.state.visit !== visit) this.set({ ...this.state, visit });
  }

  signOut(): void {
    const { state } = this;
    this.set({ kind: "none", signedOut: true });
    if ("username" in state) this.onTold({ say: "out", username: state.username, launched: state.launched });
  }

  /** Leave this tab to somebody else, and the other tabs as they are. */
  leave(): void {
    this.set({ kind: "none", signedOut: true });
  }

  /** Hide the page until its user proves again who they are. */
  lock(here = true): void {
    if (this.state.kind !== "active") return;
    const held = heldIn(this.state);
    this.lockedAt = this.now();
    this.set({ kind: "locked", username: held.username, launched: held.launched, held, next: null });
    if (here) this.onTold({ say: "lock" });
  }

  /** Another tab is locked, and this one has no session of its own. */
  lockedBy(username: string, at = 0): void {
    if (this.state.kind !== "none" || this.state.signedOut) return;
    this.lockedAt = at;
    this.set({ kind: "locked", username, launched: false, held: null, next: null });
  }

  /** A session that was found in this tab would have been locked then, had its page been there: nothing of it is gone on with. */
  lockFound(at: number): void {
    if (this.state.kind !== "active" || this.isProved()) return;
    const { username, launched } = this.state;
    this.lockedAt = at;
    this.set({ kind: "locked", username, launched, held: null, next: null });
  }

  /** The user of a locked page has proved to the server who they are: go on with what there was. */
  unlock(here = true): void {
    if (this.state.kind !== "locked" || !this.state.held) return;
    const { held } = this.state;
    if (here) this.proved = held.token;
    this.set({ kind: "active", ...held });
    if (here) this.onTold({ say: "open", username: held.username });
  }

  /**
   * Somebody has signed in in another tab: true when this tab goes on with their session. A tab that the EHR has opened
   * takes none; the page of another person is hidden, and says so.
   */
  adopt(next: Held): boolean {
    const { state } = this;
    if (state.kind === "none") return this.take(next);
    if (state.launched || state.kind === "new_password") return false;
    const mine = state.kind === "locked" ? (state.next ?? state.held) : state.kind === "active" ? state : null;
    if (mine && !isLater(next, mine)) return false;
    if (state.username === next.username) return this.take(next);
    const held = state.kind === "locked" ? state.held : state.kind === "active" ? heldIn(state) : null;
    if (state.kind !== "locked") this.lockedAt = 0;
    this.set({ kind: "locked", username: state.username, launched: false, held, next });
    return false;
  }

  /** This person has signed out in another tab: true when it was the session of this tab. */
  signedOutElsewhere(username: string): boolean {
    const { state } = this;
    if (!("username" in state) || state.launched) return false;
    if (state.username === username) {
      this.set({ kind: "none", signedOut: true });
      return true;
    }
    if (state.kind === "locked" && state.next?.username === username) this.set({ ...state, next: null });
    return false;
  }

  private take(next: Held): true {
    this.set({ kind: "active", ...next });
    return true;
  }

  private set(state: SessionState): void {
    this.state = state;
    save(this.store, state, this.lockedAt);
    for (const listener of this.listeners) listener();
  }
}

export function heldIn({ token, expiresAt, username, launched, since, visit = null }: Held): Held {
  return { token, expiresAt, username, launched, since, visit };
}

/** Two that began at the same moment are told apart by their tokens, in the same way in all tabs. */
function isLater(one: Held, other: Held): boolean {
  return one.since === other.since ? one.token > other.token : one.since > other.since;
}

/** sessionStorage, or null where the browser forbids it: then a reload asks to sign in again. */
export function tabStorage(): Store | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function restore(store: Store | null): { state: SessionState; lockedAt: number } {
  try {
    const saved: unknown = JSON.parse(store?.getItem(KEY) ?? "null");
    if (isRecord(saved) && saved.locked === true && typeof saved.username === "string") {
      const state: Locked = { kind: "locked", username: saved.username, launched: saved.launched === true, held: null, next: null };
      return { state, lockedAt: typeof saved.at === "number" ? saved.at : 0 };
    }
    const held = readHeld(saved);
    if (held) return { state: { kind: isRecord(saved) && saved.newPassword === true ? "new_password" : "active", ...held }, lockedAt: 0 };
  } catch {
    // Not ours or damaged: as if nothing had been kept.
  }
  return { state: { kind: "none" }, lockedAt: 0 };
}

/** What was kept, or said by another tab; null when it is no session. */
export function readHeld(data: unknown): Held | null {
  if (!isRecord(data) || typeof data.token !== "string" || !data.token) return null;
  return {
    token: data.token,
    expiresAt: typeof data.expiresAt === "number" ? data.expiresAt : null,
    username: typeof data.username === "string" ? data.username : "",
    launched: data.launched === true,
    since: typeof data.since === "number" ? data.since : 0,
    visit: typeof data.visit === "string" && data.visit.startsWith("/") ? data.visit : null,
  };
}

function save(store: Store | null, state: SessionState, lockedAt: number): void {
  try {
    if ("token" in state) store?.setItem(KEY, JSON.stringify({ ...heldIn(state), newPassword: state.kind === "new_password" }));
    // A reload of a page that another person has taken over is theirs.
    else if (state.kind === "locked" && state.next) store?.setItem(KEY, JSON.stringify(heldIn(state.next)));
    else if (state.kind === "locked") store?.setItem(KEY, JSON.stringify({ locked: true, username: state.username, launched: state.launched, at: lockedAt }));
    else store?.removeItem(KEY);
  } catch {
    // A full or forbidden store costs the session at the next reload, nothing else.
  }
}
