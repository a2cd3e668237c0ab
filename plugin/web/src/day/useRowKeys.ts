/** From row to row by keyboard: j and k, Home and End stay the browser's. */
import { useCallback, useEffect, useRef, useState } from "react";
import { isForPage } from "../components/pressed";

export interface RowKeys {
  /** The row that Tab reaches; the first one before anybody has moved. */
  current: number;
  setCurrent: (row: number) => void;
  /** To be called when rows were drawn: the one that is wanted takes the focus as soon as it is there. */
  drawn: () => void;
}

const STEPS: Readonly<Record<string, number>> = { j: 1, k: -1 };
/** Within the list; elsewhere they scroll. */
const ARROWS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** `count` rows; `reveal` scrolls to one, and `linkOf` finds what in it takes the focus. */
export function useRowKeys(count: number, reveal: (row: number) => void, linkOf: (row: number) => HTMLElement | null): RowKeys {
  const [current, setCurrent] = useState(0);
  const wanted = useRef<number | null>(null);
  const at = Math.min(current, Math.max(0, count - 1));
  const drawn = useCallback(() => {
    if (wanted.current === null) return;
    const link = linkOf(wanted.current);
    if (!link) return;
    wanted.current = null;
    link.focus({ preventScroll: true });
  }, [linkOf]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!isForPage(event) || event.shiftKey) return;
      if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (!search) return;
        event.preventDefault();
        search.focus();
        search.select();
        return;
      }
      const focused = document.activeElement?.closest<HTMLElement>("[data-index]");
      const isInList = wanted.current !== null || Boolean(focused);
      // A row that has moved meanwhile took the focus along.
      const here = wanted.current ?? (focused ? Number(focused.dataset["index"]) : at);
      const step = STEPS[event.key] ?? (isInList ? ARROWS[event.key] : undefined);
      if (!step || count === 0) return;
      event.preventDefault();
      // The first press shows where one is.
      const next = isInList ? Math.min(count - 1, Math.max(0, here + step)) : at;
      wanted.current = next;
      setCurrent(next);
      reveal(next);
      drawn();
      // Until that row is there Enter opens nothing: the former one is another patient's.
      if (wanted.current !== null && document.activeElement instanceof HTMLElement) document.activeElement.blur();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [count, at, reveal, linkOf, drawn]);
  return { current: at, setCurrent, drawn };
}
