import { useEffect, useSyncExternalStore } from "react";
import { useApi } from "../api/context";
import type { SessionState } from "../api/session";

export function useSession(): SessionState {
  const { session } = useApi();
  return useSyncExternalStore(session.subscribe, session.snapshot);
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Cover the page at the moment the token expires, also after the computer has slept. */
export function useSessionClock(): void {
  const { session } = useApi();
  const state = useSession();
  useEffect(() => {
    const held = state.kind === "locked" ? state.held : "token" in state ? state : null;
    if (!held || held.expiresAt === null) return;
    const { token, expiresAt } = held;
    const look = () => {
      if (Date.now() >= expiresAt) session.end(token);
    };
    look();
    const timer = window.setTimeout(look, Math.min(LONGEST_TIMER_MS, Math.max(0, expiresAt - Date.now())));
    document.addEventListener("visibilitychange", look);
    return () => {
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [session, state]);
}
