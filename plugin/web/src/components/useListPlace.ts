/**
 * Where the user is in a list, kept across reload, back and forward.
 *
 * Filters, order and page stand in the address. What was searched for does not: it is often a patient's
 * name, so it stays in this tab's history entry. A filter that takes free text is one of `texts`.
 */
import { useCallback, useLayoutEffect, useMemo, useRef } from "react";
import { useHref, useLocation, useNavigate, useSearchParams } from "react-router-dom";
import { isRecord } from "../api/errors";

export interface ListPlace<F extends string> {
  q: string;
  /** What was typed into the other fields of the search, by the page's own names; nothing where nothing was. */
  texts: Readonly<Record<string, string>>;
  /** Each filter's value; its default where the address says nothing. */
  filters: Record<F, string>;
  /** A column's name, "-" before it for the other direction. */
  sort: string;
  offset: number;
}

export interface ListChange<F extends string> {
  q?: string;
  texts?: Readonly<Record<string, string>>;
  filters?: Partial<Record<F, string>>;
  sort?: string;
  offset?: number;
}

export type Move<F extends string> = (change: ListChange<F>) => void;

/** `defaults` must be the same object each time: a constant of the page's. */
export function useListPlace<F extends string>(defaults: Record<F, string>, defaultSort = ""): [ListPlace<F>, Move<F>] {
  const { state, pathname } = useLocation() as { state: unknown; pathname: string };
  const here = useHref(pathname);
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const address = search.toString();
  const searched = useMemo(() => searchedFor(state), [state]);
  // Another change may come before the last one is shown: it builds upon that, not upon one between the two.
  const latest = useRef({ address, searched });
  const awaited = useRef<string | null>(null);
  useLayoutEffect(() => {
    const shown = { address, searched };
    if (awaited.current !== null && awaited.current !== JSON.stringify(shown)) return;
    awaited.current = null;
    latest.current = shown;
  }, [address, searched]);

  const move = useCallback(
    (change: ListChange<F>) => {
      // A search still waiting for its pause must not call back somebody who has opened an entry meanwhile: the
      // address has changed already while this page is about to be replaced.
      if (window.location.pathname !== here) return;
      const before = placeOf(new URLSearchParams(latest.current.address), defaults, defaultSort);
      const next = {
        address: writePlace(before, change, defaults, defaultSort),
        searched: afterChange(latest.current.searched, change),
      };
      latest.current = next;
      awaited.current = JSON.stringify(next);
      void navigate({ search: next.address }, { replace: change.offset === undefined, state: next.searched });
    },
    [navigate, here, defaults, defaultSort],
  );
  return [{ ...searched, ...placeOf(search, defaults, defaultSort) }, move];
}

type Searched = Pick<ListPlace<string>, "q" | "texts">;
type InAddress<F extends string> = Omit<ListPlace<F>, keyof Searched>;

/** What a history entry keeps of the search. Pure. */
export function searchedFor(state: unknown): Searched {
  const { q, texts } = isRecord(state) ? state : {};
  const typed = Object.entries(isRecord(texts) ? texts : {}).filter((each): each is [string, string] => typeof each[1] === "string");
  return { q: typeof q === "string" ? q : "", texts: Object.fromEntries(typed) };
}

/** What it keeps after a change: one text leaves the others as they are. Pure. */
export function afterChange(before: Searched, { q = before.q, texts }: Partial<Searched>): Searched {
  return { q, texts: { ...before.texts, ...texts } };
}

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
