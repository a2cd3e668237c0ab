/** A link of somebody outside: opened by a click, kept fresh while the page is open, over when the server says so. */
import { useEffect, useState } from "react";
import { useApi } from "../api/context";
import { ApiError } from "../api/errors";
import type { RenewedAnswer } from "../api/schema";
import type { OpenedShare } from "../api/shares";
import { tokenId } from "../viewer/link";

/** Its token lasts fifteen minutes. */
const RENEW_MS = 5 * 60_000;

export type Door =
  | { kind: "shut"; asksPin: boolean; error: Error | null }
  | { kind: "open"; opened: OpenedShare }
  | { kind: "over" };

export function useOpened(secret: string | null) {
  const { ask } = useApi();
  const [door, setDoor] = useState<Door>(secret ? { kind: "shut", asksPin: false, error: null } : { kind: "over" });
  const [busy, setBusy] = useState(false);
  const token = door.kind === "open" ? door.opened.token : null;

  useEffect(() => {
    if (!token) return;
    const renew = async () => {
      try {
        const { token: next } = await ask<RenewedAnswer>("dicom/viewer-token/exchange", { method: "POST", token });
        setDoor((now) => (now.kind === "open" && tokenId(next) === tokenId(now.opened.token) ? { kind: "open", opened: { ...now.opened, token: next } } : now));
      } catch (error) {
        if (error instanceof ApiError && !error.retryable) setDoor({ kind: "over" });
      }
    };
    const timer = window.setInterval(() => void renew(), RENEW_MS);
    return () => window.clearInterval(timer);
  }, [ask, token]);

  const open = async (pin: string | null) => {
    setBusy(true);
    try {
      const body = { secret, pin };
      setDoor({ kind: "open", opened: await ask<OpenedShare>("share/open", { method: "POST", body, withToken: false }) });
    } catch (error) {
      const code = error instanceof ApiError ? error.code : "";
      if (code === "share_not_found" || code === "sharing_off") setDoor({ kind: "over" });
      else if (code === "share_pin_required") setDoor({ kind: "shut", asksPin: true, error: null });
      else setDoor((now) => ({ kind: "shut", asksPin: pin !== null || (now.kind === "shut" && now.asksPin), error: error as Error }));
    } finally {
      setBusy(false);
    }
  };
  return { door, busy, open };
}
