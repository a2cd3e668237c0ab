/**
 * Where the user is in a list, kept across reload, back and forward.
 *
 * State and page stand in the address. What was searched for does not: it is often a patient's
 * name, so it stays in this tab's history entry.
 */
import { useCallback } from "react";
import { useHref, useLocation, useNavigate, useSearchParams } from "react-router-dom";
import { isRecord } from "../api/errors";

export interface ListPlace {
  q: string;
  filter: string;
  offset: number;
}

export function useListPlace(defaultFilter: string): [ListPlace, (change: Partial<ListPlace>) => void] {
  const { state, pathname } = useLocation();
  const here = useHref(pathname);
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const q = isRecord(state) && typeof state.q === "string" ? state.q : "";
  const filter = search.get("show") ?? defaultFilter;
  const offset = Math.max(0, Math.floor(Number(search.get("from")) || 0));

  const move = useCallback(
    (change: Partial<ListPlace>) => {
      // A search still waiting for its pause must not call back somebody who has opened an entry meanwhile: the
      // address has changed already while this page is about to be replaced.
      if (window.location.pathname !== here) return;
      // Another question starts at its first page.
      const next = { q, filter, offset: 0, ...change };
      const params = new URLSearchParams();
      if (next.filter !== defaultFilter) params.set("show", next.filter);
      if (next.offset > 0) params.set("from", String(next.offset));
      void navigate({ search: params.toString() }, { replace: change.offset === undefined, state: { q: next.q } });
    },
    [navigate, here, q, filter, defaultFilter],
  );
  return [{ q, filter, offset }, move];
}
