/**
 * Where the user is in a list, kept across reload, back and forward.
 *
 * Filters, order and page stand in the address. What was searched for does not: it is often a patient's
 * name, so it stays in this tab's history entry. A filter that takes free text must not be used here.
 */
import { useCallback } from "react";
import { useHref, useLocation, useNavigate, useSearchParams } from "react-router-dom";
import { isRecord } from "../api/errors";

export interface ListPlace<F extends string> {
  q: string;
  /** Each filter's value; its default where the address says nothing. */
  filters: Record<F, string>;
  /** A column's name, "-" before it for the other direction. */
  sort: string;
  offset: number;
}

export interface ListChange<F extends string> {
  q?: string;
  filters?: Partial<Record<F, string>>;
  sort?: string;
  offset?: number;
}

export type Move<F extends string> = (change: ListChange<F>) => void;

/** `defaults` must be the same object each time: a constant of the page's. */
export function useListPlace<F extends string>(defaults: Record<F, string>, defaultSort = ""): [ListPlace<F>, Move<F>] {
  const { state, pathname } = useLocation();
  const here = useHref(pathname);
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const address = search.toString();
  const q = isRecord(state) && typeof state.q === "string" ? state.q : "";

  const move = useCallback(
    (change: ListChange<F>) => {
      // A search still waiting for its pause must not call back somebody who has opened an entry meanwhile: the
      // address has changed already while this page is about to be replaced.
      if (window.location.pathname !== here) return;
      const before = placeOf(new URLSearchParams(address), defaults, defaultSort);
      const next = writePlace(before, change, defaults, defaultSort);
      void navigate({ search: next }, { replace: change.offset === undefined, state: { q: change.q ?? q } });
    },
    [navigate, here, q, address, defaults, defaultSort],
  );
  return [{ q, ...placeOf(search, defaults, defaultSort) }, move];
}

type InAddress<F extends string> = Omit<ListPlace<F>, "q">;

/** What an address says. Pure. */
export function placeOf<F extends string>(search: URLSearchParams, defaults: Record<F, string>, defaultSort: string): InAddress<F> {
  const filters = { ...defaults };
  for (const name of Object.keys(defaults) as F[]) filters[name] = search.get(name) ?? defaults[name];
  return {
    filters,
    sort: search.get("sort") ?? defaultSort,
    offset: Math.max(0, Math.floor(Number(search.get("offset")) || 0)),
  };
}

/** The address of a place after a change; another question starts at its first page. Pure. */
export function writePlace<F extends string>(
  before: InAddress<F>,
  change: ListChange<F>,
  defaults: Record<F, string>,
  defaultSort: string,
): string {
  const filters = { ...before.filters, ...change.filters };
  const sort = change.sort ?? before.sort;
  const offset = change.offset ?? 0;
  const params = new URLSearchParams();
  for (const name of Object.keys(defaults) as F[]) {
    if (filters[name] !== defaults[name]) params.set(name, filters[name]);
  }
  if (sort !== defaultSort) params.set("sort", sort);
  if (offset > 0) params.set("offset", String(offset));
  return params.toString();
}
