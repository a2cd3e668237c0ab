/** Rows of numbers: a table, and where there is little room a card for each row in which every number has its name. */
import { DataList, type Column } from "../components/DataList";
import { Fact, Facts } from "../components/Facts";
import { NARROW, useMedia } from "../components/useMedia";

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  busy?: boolean;
}

export function NumberTable<T>({ label, columns, rows, rowKey, busy = false }: Props<T>) {
  const isNarrow = useMedia(NARROW);
  if (!isNarrow) return <DataList label={label} columns={columns} rows={rows} rowKey={rowKey} busy={busy} />;
  const main = columns.find((column) => column.main);
  return (
    <ul className="cards" aria-label={label} aria-busy={busy}>
      {rows.map((row) => (
        <li key={rowKey(row)} className="card">
          <div className="card-main">{main?.cell(row)}</div>
          <Facts across>
            {columns.filter((column) => !column.main).map((column) => (
              <Fact key={column.key} label={column.title}>
                {column.cell(row)}
              </Fact>
            ))}
          </Facts>
        </li>
      ))}
    </ul>
  );
}
