/** Rows of the same kind: a table where there is room, cards where there is not. */
import type { ReactNode } from "react";
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
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  busy: boolean;
}

export function DataList<T>(props: Props<T>) {
  return useMedia(NARROW) ? <Cards {...props} /> : <Table {...props} />;
}

function Table<T>({ label, columns, rows, rowKey, busy }: Props<T>) {
  return (
    <div className="table-frame">
      <table className="data" aria-label={label} aria-busy={busy}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={column.className}>
                {column.silent ? <span className="visually-hidden">{column.title}</span> : column.title}
              </th>
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
export function ListSkeleton({ label }: { label: string }) {
  return (
    <div className="table-frame skeleton" role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: 6 }, (_, at) => (
        <div key={at} className="skeleton-row" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
