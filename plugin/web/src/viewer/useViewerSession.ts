/** A viewer that is open: its link, which OHIF keeps fresh by itself (ohif-config/app-config.js), and nothing left of it when it is closed. */
import { useEffect, useRef, useState } from "react";
import { useApi } from "../api/context";
import type { ViewerLink } from "../api/types";
import { API_ROOT } from "../api/client";
import { rememberStorage } from "./frame";
import { openedBy, tokenId, type Opened } from "./link";

export interface Wish {
  studyUid: string;
  compare: string | null;
  priors: boolean;
}

export type ViewerState =
  | { kind: "opening" }
  | { kind: "open"; opened: Opened }
  | { kind: "failed"; error: Error };

/** `onShown` hears which studies the link covers; it must be the same function each time. */
export function useViewerSession({ studyUid, compare, priors }: Wish, attempt: number, onShown?: (studies: readonly string[]) => void): ViewerState {
  const { ask, session } = useApi();
  const [state, setState] = useState<ViewerState>({ kind: "opening" });
  const tokens = useRef<string[]>([]);

  useEffect(() => {
    const stop = new AbortController();
    const clearStorage = rememberStorage();
    const mint = async () => {
      const query = { compare: compare ?? undefined, priors: priors ? "auto" : undefined };
      const link = await ask<ViewerLink>(`dicom/viewer-url/${encodeURIComponent(studyUid)}`, { query, signal: stop.signal });
      tokens.current.push(link.token);
      return link;
    };
    const open = async () => {
      setState({ kind: "opening" });
      try {
        const link = await mint();
        if (stop.signal.aborted) return;
        const opened = openedBy(link, window.location.origin);
        if (!opened) throw new Error("no address");
        setState({ kind: "open", opened });
        onShown?.(link.studies);
      } catch (error) {
        if (!stop.signal.aborted) setState({ kind: "failed", error: error as Error });
      }
    };
    /** The tokens are of no use to anybody any more. What cannot be taken back expires by itself. */
    const close = () => {
      const bearer = session.token();
      for (const id of tokens.current.map(tokenId)) {
        if (!id || !bearer) continue;
        void fetch(`${API_ROOT}/dicom/viewer-token/${id}`, { method: "DELETE", headers: { Authorization: `Bearer ${bearer}` }, keepalive: true }).catch(() => {});
      }
      tokens.current = [];
      clearStorage();
    };
    void open();
    window.addEventListener("pagehide", close);
    return () => {
      stop.abort();
      window.removeEventListener("pagehide", close);
      close();
    };
  }, [ask, session, studyUid, compare, priors, attempt, onShown]);

  return state;
}
