/** The rows of the list of orders: as many are drawn as can be seen, whatever their number. */
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useLayoutEffect, useMemo, useRef } from "react";
import type { OrderRows } from "../api/orderRows";
import type { OrderRow } from "../api/types";
import { Heading, type Sorting } from "../components/DataList";
import { NARROW, useMedia } from "../components/useMedia";
import { useTop } from "../components/useTop";
import { namesakes, ofNamed } from "../components/whom";
import { t } from "../i18n";
import { OrderCard } from "./OrderCard";
import { cellsOf } from "./columns";
import { sharesOf, widthOf, type ColumnName } from "./layout";
import { IsCurrentRow } from "./row";
import { useRowKeys, type RowKeys } from "./useRowKeys";

/** Up to here every row is drawn: the browser finds and prints them all. */
const ALL_DRAWN = 100;
const AROUND = 12;
const ROW_PX = 82;
const CARD_PX = 104;

interface Props {
  label: string;
  list: OrderRows;
  columns: readonly ColumnName[];
  sorting: Sorting;
  now: number;
  /** Told which rows are drawn. */
  onSeen: (from: number, to: number) => void;
}

interface Drawn {
  rows: readonly { index: number; rowKey: string; order: OrderRow | undefined; element: (element: Element | null) => void }[];
  before: number;
  after: number;
  keys: RowKeys;
}

export function OrderTable({ list, label, columns, sorting, now, onSeen }: Props) {
  const isNarrow = useMedia(NARROW);
  const frame = useRef<HTMLDivElement>(null);
  const top = useTop(frame);
  const virtual = useWindowVirtualizer({
    count: list.total,
    estimateSize: () => (isNarrow ? CARD_PX : ROW_PX),
    overscan: list.total <= ALL_DRAWN ? ALL_DRAWN : AROUND,
    scrollMargin: top,
    // Where nothing is laid out (a test) a row is as high as it is taken to be.
    measureElement: (element) => element.getBoundingClientRect().height || (isNarrow ? CARD_PX : ROW_PX),
  });
  const items = virtual.getVirtualItems();
  const [from, to] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useLayoutEffect(() => onSeen(from, to), [onSeen, from, to]);
  const reveal = useCallback((row: number) => virtual.scrollToIndex(row, { align: "auto" }), [virtual]);
  const linkOf = useCallback((row: number) => frame.current?.querySelector<HTMLElement>(`[data-index="${row}"] .row-link`) ?? null, []);
  const keys = useRowKeys(list.total, reveal, linkOf);
  useLayoutEffect(() => keys.drawn());
  const keyed = new Set<string>();
  const drawn: Drawn = {
    rows: items.map(({ index }) => {
      const order = list.at(index);
      // Between two answers an order may stand in two pieces: the second is no child of the same key.
      const rowKey = order && !keyed.has(order.id) ? order.id : `row ${index}`;
      keyed.add(rowKey);
      return { index, rowKey, order, element: virtual.measureElement };
    }),
    before: (items[0]?.start ?? top) - top,
    after: Math.max(0, virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top)),
    keys,
  };
  const isNamesake = useMemo(() => namesakes(list.loaded.map(ofNamed)), [list.loaded]);
  const shared = { label, total: list.total, drawn, isNamesake, now, busy: list.first.isPlaceholderData };
  return <div ref={frame}>{isNarrow ? <Cards {...shared} /> : <Table {...shared} columns={columns} sorting={sorting} />}</div>;
}

interface Shared {
  label: string;
  total: number;
  drawn: Drawn;
  isNamesake: ReturnType<typeof namesakes>;
  now: number;
  busy: boolean;
}

function Table({ label, total, drawn, isNamesake, now, busy, columns, sorting }: Shared & { columns: readonly ColumnName[]; sorting: Sorting }) {
  const cells = useMemo(() => cellsOf({ isNamesake, now, has: (name) => columns.includes(name) }), [isNamesake, now, columns]);
  const shares = sharesOf(columns);
  return (
    <div className="table-frame table-frame-long">
      <table className="data data-long" aria-label={label} aria-busy={busy} aria-rowcount={total + 1} style={{ minWidth: `${widthOf(columns) * 0.85}rem` }}>
        <colgroup>
          {columns.map((name, at) => (
            <col key={name} style={{ width: shares[at] }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((name) => (
              <Heading key={name} column={{ ...cells[name], key: name }} sorting={sorting} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap height={drawn.before} columns={columns.length} />
          {drawn.rows.map(({ index, rowKey, order, element }) => (
            <Row
              key={rowKey}
              index={index}
              order={order}
              element={element}
              cells={cells}
              columns={columns}
              isCurrent={drawn.keys.current === index}
              onCurrent={drawn.keys.setCurrent}
            />
          ))}
          <Gap height={drawn.after} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  index: number;
  order: OrderRow | undefined;
  element: (element: Element | null) => void;
  cells: ReturnType<typeof cellsOf>;
  columns: readonly ColumnName[];
  isCurrent: boolean;
  onCurrent: (row: number) => void;
}

/** Drawn again only when something of it has changed: scrolling draws those that come into sight. */
const Row = memo(function Row({ index, order, element, cells, columns, isCurrent, onCurrent }: RowProps) {
  return (
    <IsCurrentRow value={isCurrent}>
      <tr ref={element} data-index={index} aria-rowindex={index + 2} onFocus={() => onCurrent(index)}>
        {columns.map((name) => {
          const { className, cell, main } = cells[name];
          const content = order ? cell(order) : main ? t("list.row.loading") : null;
          return main ? (
            <th key={name} scope="row" className={className}>
              {content}
            </th>
          ) : (
            <td key={name} className={className}>
              {content}
            </td>
          );
        })}
      </tr>
    </IsCurrentRow>
  );
});

/** Room of the rows that are not drawn. */
function Gap({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" className="gap-row">
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

function Cards({ label, total, drawn, isNamesake, now, busy }: Shared) {
  return (
    <ul className="cards day-cards" aria-label={label} aria-busy={busy} style={{ paddingTop: drawn.before, paddingBottom: drawn.after }}>
      {drawn.rows.map(({ index, rowKey, order, element }) => (
        <IsCurrentRow key={rowKey} value={drawn.keys.current === index}>
        <li ref={element} data-index={index} aria-setsize={total} aria-posinset={index + 1} className="day-card-place" {...roving(drawn.keys, index)}>
          {order ? <OrderCard order={order} isNamesake={isNamesake(ofNamed(order))} now={now} /> : <div className="card">{t("list.row.loading")}</div>}
        </li>
        </IsCurrentRow>
      ))}
    </ul>
  );
}

/** Whoever comes to a row by Tab or a tap goes on from there. */
function roving(keys: RowKeys, index: number) {
  return { onFocus: () => keys.setCurrent(index) };
}
