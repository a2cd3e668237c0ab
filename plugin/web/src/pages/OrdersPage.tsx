import { useCallback } from "react";
import { Link } from "react-router-dom";
import { useOrders } from "../api/queries";
import type { Order } from "../api/types";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { SearchField, SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant, OrderStatus, OrNone, PersonName, PriorityFlag } from "../components/values";
import { Person } from "../components/Person";
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { DeskButtons } from "../desk/DeskButtons";
import { formatNumber, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { hasImages, orderTitle } from "./orderWords";

const ALL = "all";
const WAITING = "scheduled,arrived";
const DEFAULTS = { status: WAITING, day: ALL };
const STATES = ["scheduled", "arrived", "in_progress", "completed", "reported", "cancelled"];

export function OrdersPage() {
  const [{ q, filters, offset }, move] = useListPlace(DEFAULTS);
  const filter = filters.status;
  const orders = useOrders({ q, status: filter === ALL ? "" : filter, today: filters.day === "today", offset });
  const search = useCallback((text: string) => move({ q: text }), [move]);
  const unfiltered = !q && filter === ALL && filters.day === ALL;

  return (
    <Page title={t("orders.title")} lead={t("orders.lead")}>
      <DeskButtons />
      <Filters label={t("orders.filters")}>
        <SearchField label={t("orders.search")} hint={t("orders.search.hint")} value={q} onChange={search} />
        <SelectField
          label={t("orders.status")}
          value={filter}
          options={[
            { value: WAITING, label: t("orders.status.waiting") },
            { value: ALL, label: t("orders.status.all") },
            ...STATES.map((value) => ({ value, label: word("order.status", value) })),
          ]}
          onChange={(value) => move({ filters: { status: value } })}
        />
        <SelectField
          label={t("orders.day")}
          value={filters.day}
          options={[
            { value: ALL, label: t("orders.day.all") },
            { value: "today", label: t("orders.day.today") },
          ]}
          onChange={(value) => move({ filters: { day: value } })}
        />
      </Filters>
      <QueryList
        label={t("orders.list")}
        list={orders}
        columns={columns(namesakes((orders.data?.items ?? []).map(ofNamed)))}
        rowKey={(order) => String(order.id)}
        found={(count) => t("orders.found", { count })}
        empty={
          <Blank
            title={t(unfiltered ? "orders.empty.title" : "orders.none.title")}
            text={t(unfiltered ? "orders.empty.text" : "orders.none.text")}
          >
            {!unfiltered && (
              <button type="button" className="button" onClick={() => move({ q: "", filters: { status: ALL, day: ALL } })}>
                {t("orders.none.action")}
              </button>
            )}
          </Blank>
        }
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Page>
  );
}

const columns = (isNamesake: (whom: Whom) => boolean): Column<Order>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (order) => (
      <Person
        whom={ofNamed(order)}
        isNamesake={isNamesake(ofNamed(order))}
        name={
          <Link
            className="row-link"
            to={`/orders/${encodeURIComponent(String(order.id))}`}
            aria-label={t("orders.open", {
              accession: order.accession_number,
              patient: personName(order.patient_name) || t("patient.unknown"),
            })}
          >
            <PersonName name={order.patient_name} />
          </Link>
        }
      />
    ),
  },
  {
    key: "order",
    title: t("column.order"),
    className: "column-wide",
    cell: (order) => (
      <>
        <OrNone>{order.description}</OrNone>
        <span className="second number">
          {order.accession_number} <PriorityFlag priority={order.priority} />
        </span>
      </>
    ),
  },
  { key: "modality", title: t("column.modality"), cell: (order) => <OrNone>{order.modality}</OrNone> },
  {
    key: "scheduled",
    title: t("column.scheduled"),
    className: "number",
    cell: (order) => <Instant iso={order.scheduled_at} />,
  },
  { key: "status", title: t("column.status"), cell: (order) => <OrderStatus status={order.status} /> },
  {
    key: "images",
    title: t("column.images"),
    className: "number column-end",
    cell: (order) => <OrNone>{hasImages(order) ? formatNumber(order.number_of_images ?? 0) : ""}</OrNone>,
  },
  {
    key: "view",
    title: t("column.action"),
    className: "column-action",
    silent: true,
    cell: (order) =>
      hasImages(order) && <ViewButton studyInstanceUid={order.study_instance_uid ?? ""} what={orderTitle(order)} />,
  },
];
