/**
 * Who is signed in, in this tab.
 *
 * The token lives in memory and in sessionStorage, so that a reload keeps the session and closing
 * the tab ends it; it is never put into localStorage, a cookie or an address. A session that the
 * server (or the clock) ends is `ended`, not `none`: the page stays, hidden, until its user signs in
 * again, so that a running upload is not lost. A session in which a password must be chosen first
 * has no token for anything else.
 */
import type { SignInAnswer } from "./types";
import { isRecord } from "./errors";

export type SessionState =
  | { kind: "none"; signedOut?: true }
  | { kind: "active"; token: string; expiresAt: number | null; username: string; launched: boolean }
  | { kind: "new_password"; token: string; expiresAt: number | null; username: string; launched: boolean }
  /** `launched`: it was the EHR that signed this person in, who may have no password here. */
  | { kind: "ended"; username: string; launched: boolean };

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "ehr-bridge.session";

export class Session {
  private state: SessionState;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly store: Store | null,
    private readonly now: () => number = Date.now,
  ) {
    this.state = restore(store);
  }

  /** The current state; the same object until something changes. */
  snapshot = (): SessionState => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  token(): string | null {
    return this.state.kind === "active" ? this.state.token : null;
  }

  begin(answer: Pick<SignInAnswer, "token" | "expires_at"> & Partial<SignInAnswer>, username: string, launched = false): void {
    const expiresAt = Date.parse(answer.expires_at);
    // A token that seems expired on arrival means that this computer's clock is wrong: then the
    // server alone decides, by answering 401.
    const trusted = Number.isFinite(expiresAt) && expiresAt > this.now() ? expiresAt : null;
    const kind = answer.must_change_password ? "new_password" : "active";
    this.set({ kind, token: answer.token, expiresAt: trusted, username, launched });
  }

  /** End the session that `token` belongs to; an answer to an older token ends nothing. */
  end(token: string): void {
    if (!("token" in this.state) || this.state.token !== token) return;
    const { kind, username, launched } = this.state;
    this.set(kind === "active" ? { kind: "ended", username, launched } : { kind: "none" });
  }

  signOut(): void {
    this.set({ kind: "none", signedOut: true });
  }

  private set(state: SessionState): void {
    this.state = state;
    save(this.store, state);
    for (const listener of this.listeners) listener();
  }
}

/** sessionStorage, or null where the browser forbids it: then a reload asks to sign in again. */
export function tabStorage(): Store | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function restore(store: Store | null): SessionState {
  try {
    const saved: unknown = JSON.parse(store?.getItem(KEY) ?? "null");
    if (isRecord(saved) && typeof saved.token === "string" && saved.token) {
      return {
        kind: saved.newPassword === true ? "new_password" : "active",
        token: saved.token,
        expiresAt: typeof saved.expiresAt === "number" ? saved.expiresAt : null,
        username: typeof saved.username === "string" ? saved.username : "",
        launched: saved.launched === true,
      };
    }
  } catch {
    // Not ours or damaged: as if nothing had been kept.
  }
  return { kind: "none" };
}

function save(store: Store | null, state: SessionState): void {
  try {
    if (!("token" in state)) store?.removeItem(KEY);
    else {
      const { kind, token, expiresAt, username, launched } = state;
      store?.setItem(KEY, JSON.stringify({ token, expiresAt, username, launched, newPassword: kind === "new_password" }));
    }
  } catch {
    // A full or forbidden store costs the session at the next reload, nothing else.
  }
}
