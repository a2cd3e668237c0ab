/** The list of orders piece by piece, from wherever somebody looks at it. */
import { keepPreviousData, useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi } from "./context";
import { asPage, type OrderQuestion } from "./queries";
import type { OrderRow, Page } from "./types";

export const PIECE = 100;

export interface OrderRows {
  first: ReturnType<typeof useFirst>["query"];
  total: number;
  /** Undefined: not here yet. */
  at: (row: number) => OrderRow | undefined;
  loaded: readonly OrderRow[];
}

function useFirst(question: OrderQuestion) {
  const { ask } = useApi();
  const read = (piece: number) => ({
    queryKey: ["orders", question, piece],
    queryFn: async ({ signal }: { signal: AbortSignal }) => asPage<OrderRow>(await ask("orders", { query: { ...question, limit: PIECE, offset: piece * PIECE }, signal })),
  });
  return { read, query: useQuery({ ...read(0), placeholderData: keepPreviousData }) };
}

/** How many there are; 0 before it is known, or where nothing is asked. */
export function useOrderTotal(question: OrderQuestion | null): number {
  const { ask } = useApi();
  const { data } = useQuery({
    queryKey: ["orders", question, "total"],
    enabled: question !== null,
    queryFn: async ({ signal }) => asPage<OrderRow>(await ask("orders", { query: { ...question, sort: "accession_number", limit: 1, offset: 0 }, signal })).total,
  });
  return data ?? 0;
}

const dataOf = (queries: readonly UseQueryResult<Page<OrderRow>>[]): readonly (Page<OrderRow> | undefined)[] => queries.map(({ data }) => data);

/**
 * The first piece, and those of the rows from `from` to `to`. By offset: a scroll bar leads anywhere, and only what is looked at is
 * asked for again when something has changed. A row that moves over the seam of two pieces is right again with the next change.
 */
export function useOrderRows(question: OrderQuestion, from: number, to: number): OrderRows {
  const { read, query } = useFirst(question);
  const page = query.data;
  const last = Math.min(Math.floor(to / PIECE), Math.floor(Math.max(0, (page?.total ?? 0) - 1) / PIECE));
  const wanted: number[] = [];
  // What is shown of the question before has no pieces of its own.
  if (page && !query.isPlaceholderData) for (let piece = Math.max(1, Math.floor(from / PIECE)); piece <= last; piece++) wanted.push(piece);
  // The same arrays as long as nothing has changed: what is drawn of them is not drawn again while somebody scrolls.
  const pieces = useQueries({ queries: wanted.map(read), combine: dataOf });
  const loaded = useMemo(() => [page, ...pieces].flatMap((one) => one?.items ?? []), [page, pieces]);
  const found = new Map<number, Page<OrderRow>>(page ? [[0, page]] : []);
  pieces.forEach((data, at) => data && found.set(wanted[at]!, data));
  return {
    first: query,
    total: page?.total ?? 0,
    at: (row) => found.get(Math.floor(row / PIECE))?.items[row % PIECE],
    loaded,
  };
}
