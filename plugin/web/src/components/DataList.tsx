/** Rows of the same kind: a table where there is room, cards where there is not. */
import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { t } from "../i18n";
import { Icon } from "./Icon";
import { NARROW, useMedia } from "./useMedia";

export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** Names the row: the table's row header, the card's first line. */
  main?: boolean;
  /** A class for width and alignment. */
  className?: string;
  /** The heading is read aloud but not shown. */
  silent?: boolean;
  /** The server's name for sorting by this column. */
  sortBy?: string;
}

/** By which column the rows are sorted ("-" before it: downwards), and how to ask for another order. */
export interface Sorting {
  sort: string;
  onSort: (sort: string) => void;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  busy: boolean;
  sorting?: Sorting;
}

export function DataList<T>(props: Props<T>) {
  return useMedia(NARROW) ? <Cards {...props} /> : <Table {...props} />;
}

function Table<T>({ label, columns, rows, rowKey, busy, sorting }: Props<T>) {
  const frame = useRef<HTMLDivElement>(null);
  const scrolls = useScrolls(frame);
  return (
    <div ref={frame} className="table-frame" {...(scrolls ? { tabIndex: 0, role: "group", "aria-label": label } : {})}>
      <table className="data" aria-label={label} aria-busy={busy}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.key} column={column} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) =>
                column.main ? (
                  <th key={column.key} scope="row" className={column.className}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.key} className={column.className}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether something is wider than its frame: then it must be reachable by keyboard. */
function useScrolls(frame: RefObject<HTMLElement | null>): boolean {
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setScrolls(element.scrollWidth > element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [frame]);
  return scrolls;
}

export function Heading<T>({ column, sorting }: { column: Column<T>; sorting: Sorting | undefined }) {
  const { title, className, silent, sortBy } = column;
  if (!sorting || !sortBy) {
    return (
      <th scope="col" className={className}>
        {silent ? <span className="visually-hidden">{title}</span> : title}
      </th>
    );
  }
  const up = sorting.sort === sortBy;
  const down = sorting.sort === `-${sortBy}`;
  return (
    <th scope="col" className={className} aria-sort={up ? "ascending" : down ? "descending" : "none"}>
      <button
        type="button"
        className="sort-button"
        aria-label={t("list.sort", { column: title })}
        onClick={() => sorting.onSort(up ? `-${sortBy}` : sortBy)}
      >
        {title}
        {(up || down) && <Icon name={up ? "up" : "down"} />}
      </button>
    </th>
  );
}

function Cards<T>({ label, columns, rows, rowKey, busy }: Props<T>) {
  const main = columns.find((column) => column.main);
  return (
    <ul className="cards" aria-label={label} aria-busy={busy}>
      {rows.map((row) => (
        <li key={rowKey(row)} className="card">
          {main && <div className="card-main">{main.cell(row)}</div>}
          <dl className="card-facts">
            {columns
              .filter((column) => !column.main)
              .map((column) => (
                <div key={column.key} className={column.className}>
                  <dt className={column.silent ? "visually-hidden" : undefined}>{column.title}</dt>
                  <dd>{column.cell(row)}</dd>
                </div>
              ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}

/** Stands where the list will stand, at its height, while it is loaded. */
export function ListSkeleton({ label, rows = 6 }: { label: string; rows?: number }) {
  return (
    <div className="table-frame skeleton" role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: rows }, (_, at) => (
        <div key={at} className="skeleton-row" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
