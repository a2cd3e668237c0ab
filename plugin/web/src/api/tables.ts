/** Lists as tables to keep: the server makes the whole of one, with the filters and the order of the list. */
import { address, type Asking } from "./client";
import { ApiError } from "./errors";
import { readCounted, saveAs, useFetch } from "./files";

/** A list of the server's, as the page asks for it; which page of it is shown says nothing here. */
export interface Table {
  path: string;
  query?: object;
}

export interface Saved {
  name: string;
  rows: number;
}

/** Fetches a table and hands it to the downloads; told how many bytes have come. */
export function useSaveTable() {
  const get = useFetch();
  return async (table: Table, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<Saved> => {
    const answer = await get(addressOfTable(table), "text/csv, application/problem+json", signal);
    const name = nameOf(answer.headers.get("Content-Disposition")) ?? "list.csv";
    saveAs(await wholeOf(answer, onBytes), name);
    return { name, rows: Number(answer.headers.get("X-Row-Count")) };
  };
}

/** Pure. What is empty asks for nothing, as everywhere. */
export function addressOfTable({ path, query }: Table): string {
  const asked = Object.entries(query ?? {}).filter(([name]) => name !== "limit" && name !== "offset" && name !== "cursor");
  return address(path, { ...(Object.fromEntries(asked) as Asking["query"]), format: "csv" });
}

/** Pure. The plain name of `attachment; filename="orders-2026-11-30.csv"; …`. */
export function nameOf(disposition: string | null): string | null {
  return /filename="([\w.-]+)"/.exec(disposition ?? "")?.[1] ?? null;
}

/** The server closes the connection at the end: what is shorter than it said was cut off. Raises ApiError `cut_off`. */
async function wholeOf(answer: Response, onBytes: (bytes: number) => void): Promise<Blob> {
  const table = await readCounted(answer, onBytes);
  if (table.size !== Number(answer.headers.get("X-Byte-Count"))) throw new ApiError(0, "cut_off");
  return new Blob([table], { type: "text/csv;charset=utf-8" });
}
