import { useCallback, useEffect, useMemo, useState } from "react";
import { useChoice, useViews } from "../api/day";
import { useOrderRows, useOrderTotal } from "../api/orderRows";
import { Blank } from "../components/Blank";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { SaveTable } from "../components/SaveTable";
import { useShortcuts } from "../components/Shortcuts";
import { useListPlace, type ListPlace, type Move } from "../components/useListPlace";
import { NARROW, useMedia } from "../components/useMedia";
import { useNow } from "../components/useNow";
import { ALL, askedOf, beforeDue, DAYS, DEFAULTS, DUE, isNarrowed, questionOf, SORT, WAITING, withOlder, type DayFilters } from "../day/filter";
import { FoldButtons, Folding, useFolds } from "../day/Folds";
import { columnsOf, plainColumns, type ColumnName } from "../day/layout";
import { OrderFilters } from "../day/OrderFilters";
import { OrderTable } from "../day/OrderTable";
import { placeOfView, PLAIN } from "../day/views";
import { ViewBar } from "../day/ViewBar";
import { DeskButtons } from "../desk/DeskButtons";
import { t, word } from "../i18n";

const ROOMY = "(min-width: 100rem)";

export function OrdersPage() {
  const [place, move] = useListPlace(DEFAULTS, SORT);
  const isReady = useFirstView(place, move);
  const columns = useColumns(place.filters);
  const folds = useFolds();
  useShortcuts(useMemo(shortcuts, []));
  return (
    <Page title={t("orders.title")} isWide beside={<FoldButtons folds={folds} asked={askedOf(place.q, place.filters)} />}>
      <Folding folds={folds} of="new">
        <DeskButtons />
      </Folding>
      <Folding folds={folds} of="find">
        <OrderFilters place={place} move={move} />
        <ViewBar place={place} move={move} columns={columns} />
        {folds.isNarrow && <SaveTable path="orders" query={questionOf(place)} />}
      </Folding>
      {isReady ? <List place={place} move={move} columns={columns} /> : <ListSkeleton label={t("app.loading")} />}
    </Page>
  );
}

interface ListProps {
  place: ListPlace<keyof DayFilters>;
  move: Move<keyof DayFilters>;
  columns: readonly ColumnName[];
}

function List({ place, move, columns }: ListProps) {
  const { q, filters, sort } = place;
  const [seen, setSeen] = useState({ from: 0, to: 0 });
  const onSeen = useCallback((from: number, to: number) => setSeen((before) => (before.from === from && before.to === to ? before : { from, to })), []);
  const question = questionOf(place);
  const list = useOrderRows(question, seen.from, seen.to);
  const all = useOrderTotal(withOlder(place, question));
  const now = useNow();
  const isNarrow = useMedia(NARROW);
  const { first, total } = list;
  const older = first.isPlaceholderData ? 0 : Math.max(0, all - total);
  const narrowed = isNarrowed(q, filters);
  if (!first.data) return first.error ? <ErrorState error={first.error} onRetry={() => void first.refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  return (
    <>
      <div className="said-line">
        <p className="list-said muted" role="status">
          {first.isPlaceholderData ? t("list.updating") : [t("orders.found", { count: total }), ...(isNarrow ? narrowedTo(filters) : [])].join(" · ")}
        </p>
        {older > 0 && (
          <p className="list-said">
            <button type="button" className="link-button" onClick={() => move({ filters: { day: "chosen", from: "", to: beforeDue() } })}>
              {t("orders.older", { count: older })}
            </button>
          </p>
        )}
        {total > 0 && !isNarrow && <SaveTable path="orders" query={question} />}
      </div>
      {first.isError && (
        <Notice kind="warn">
          <p>{t("error.stale")}</p>
        </Notice>
      )}
      {total === 0 ? (
        <Blank title={t(narrowed ? "orders.none.title" : "orders.empty.title")} text={t(narrowed ? "orders.none.text" : "orders.empty.text")}>
          {narrowed && (
            <button type="button" className="button" onClick={() => move({ q: "", filters: { ...DEFAULTS, view: filters.view && PLAIN, status: ALL, day: ALL } })}>
              {t("orders.none.action")}
            </button>
          )}
        </Blank>
      ) : (
        <OrderTable label={t("orders.list")} list={list} columns={columns} sorting={{ sort, onSort: (to) => move({ sort: to }) }} now={now} onSeen={onSeen} />
      )}
    </>
  );
}

/** While the filters are folded away: what else there may be. */
function narrowedTo({ status, day }: DayFilters): string[] {
  const state = status === ALL ? "" : status === WAITING ? t("orders.status.waiting") : status.split(",").map((each) => word("order.status", each)).join(", ");
  return [state, day === ALL ? "" : t(`orders.day.${DAYS.find((each) => each === day) ?? DUE}`)].filter(Boolean);
}

/** Where the address says nothing, the list opens with the view one has chosen. Whether it is known by now. */
function useFirstView(place: ListPlace<keyof DayFilters>, move: Move<keyof DayFilters>): boolean {
  const choice = useChoice();
  const { views, isKnown } = useViews();
  const isBare = place.sort === SORT && (Object.keys(DEFAULTS) as (keyof DayFilters)[]).every((name) => place.filters[name] === DEFAULTS[name]);
  const first = isBare && choice?.view_id ? views.find(({ id }) => id === choice.view_id) : undefined;
  useEffect(() => {
    if (first) move(placeOfView(first));
  }, [first, move]);
  return !isBare || (choice !== undefined && !first && (!choice.view_id || isKnown));
}

function useColumns(filters: DayFilters): readonly ColumnName[] {
  const isRoomy = useMedia(ROOMY);
  const choice = useChoice();
  return columnsOf(filters.columns) ?? (filters.view && filters.view !== PLAIN ? null : columnsOf(choice?.columns)) ?? plainColumns(isRoomy);
}

function shortcuts() {
  return [
    { keys: ["j"], does: t("orders.key.next") },
    { keys: ["k"], does: t("orders.key.previous") },
    { keys: ["Enter"], does: t("orders.key.open") },
    { keys: ["/"], does: t("orders.key.search") },
  ];
}
