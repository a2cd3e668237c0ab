/** A list the server answers page by page, in each of its states: waiting, failed, empty, shown, out of date. */
import type { ReactNode } from "react";
import { PAGE_SIZE } from "../api/queries";
import type { Table } from "../api/tables";
import type { Page } from "../api/types";
import { t } from "../i18n";
import { DataList, ListSkeleton, type Column, type Sorting } from "./DataList";
import { ErrorState } from "./ErrorState";
import { Pager } from "./Fields";
import { Notice } from "./Notice";
import { SaveTable } from "./SaveTable";

interface Question<T> {
  data: Page<T> | undefined;
  error: Error | null;
  isError: boolean;
  isPlaceholderData: boolean;
  refetch: () => unknown;
}

interface Props<T> {
  label: string;
  list: Question<T>;
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  /** "3 studies" */
  found: (total: number) => string;
  /** What stands there when there is nothing. */
  empty: ReactNode;
  offset: number;
  onMove: (offset: number) => void;
  sorting?: Sorting;
  /** Where the whole of it can be saved from. */
  save?: Table;
}

export function QueryList<T>({ label, list, columns, rowKey, found, empty, offset, onMove, sorting, save }: Props<T>) {
  const page = list.data;
  return (
    <>
      <div className="said-line">
        <p className="list-said muted" role="status">
          {page ? (list.isPlaceholderData ? t("list.updating") : found(page.total)) : ""}
        </p>
        {save && page && page.total > 0 && <SaveTable {...save} />}
      </div>
      <ListStates list={list} empty={empty} offset={offset} onMove={onMove}>
        {(rows) => (
          <DataList label={label} columns={columns} rows={rows} rowKey={rowKey} busy={list.isPlaceholderData} {...(sorting ? { sorting } : {})} />
        )}
      </ListStates>
    </>
  );
}

interface StatesProps<T> {
  list: Question<T>;
  empty: ReactNode;
  offset: number;
  onMove: (offset: number) => void;
  /** How the rows of a page are shown. */
  children: (rows: readonly T[]) => ReactNode;
}

export function ListStates<T>({ list, empty, offset, onMove, children }: StatesProps<T>) {
  const page = list.data;
  if (!page) return list.error ? <ErrorState error={list.error} onRetry={() => void list.refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  return (
    <>
      {list.isError && (
        <Notice kind="warn">
          <p>{t("error.stale")}</p>
        </Notice>
      )}
      {page.items.length === 0 ? (
        empty
      ) : (
        <>
          {children(page.items)}
          <Pager offset={offset} limit={PAGE_SIZE} shown={page.items.length} total={page.total} onMove={onMove} />
        </>
      )}
    </>
  );
}
