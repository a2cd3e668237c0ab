/** The columns of the list of orders. */
import { Link } from "react-router-dom";
import type { OrderRow } from "../api/types";
import type { Column } from "../components/DataList";
import { Person } from "../components/Person";
import { Instant, OrderStatus, OrNone, PersonName, PriorityFlag } from "../components/values";
import { ViewButton } from "../components/ViewButton";
import { ofNamed, type Whom } from "../components/whom";
import { formatNumber, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { AssignedTo } from "./Assignment";
import { hasImages, orderTitle } from "./orderWords";
import { spanOf, waitingOf } from "./waiting";

export const columns = (isNamesake: (whom: Whom) => boolean, now: number): Column<OrderRow>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    sortBy: "patient_name",
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
    sortBy: "accession_number",
    cell: (order) => (
      <>
        <OrNone>{order.description}</OrNone>
        <span className="second number">
          {order.accession_number} <PriorityFlag priority={order.priority} />
        </span>
      </>
    ),
  },
  {
    key: "modality",
    title: t("column.modality"),
    className: "number",
    sortBy: "modality",
    cell: (order) => (
      <>
        <OrNone>{[order.modality, order.station_ae_title].filter(Boolean).join(" · ")}</OrNone>
        {order.body_part && <span className="second whole">{order.body_part}</span>}
      </>
    ),
  },
  {
    key: "scheduled",
    title: t("column.scheduled"),
    className: "number",
    sortBy: "scheduled_at",
    cell: (order) => (
      <>
        <Instant iso={order.scheduled_at} />
        <Waits order={order} now={now} />
      </>
    ),
  },
  {
    key: "ordered_by",
    title: t("order.ordered_by"),
    className: "column-roomy",
    cell: (order) => <OrNone>{personName(order.ordered_by)}</OrNone>,
  },
  { key: "status", title: t("column.status"), cell: (order) => <OrderStatus status={order.status} /> },
  { key: "assigned_to", title: t("assign.column"), sortBy: "assigned_to", cell: (order) => <AssignedTo order={order} /> },
  { key: "report", title: t("order.report"), cell: (order) => <ReportOf order={order} /> },
  {
    key: "images",
    title: t("column.images"),
    className: "number column-end column-roomy",
    cell: (order) => <OrNone>{hasImages(order) ? formatNumber(order.number_of_images ?? 0) : ""}</OrNone>,
  },
  {
    key: "view",
    title: t("column.action"),
    className: "column-action",
    silent: true,
    cell: (order) => hasImages(order) && <ViewButton studyInstanceUid={order.study_instance_uid ?? ""} what={orderTitle(order)} />,
  },
];

function Waits({ order, now }: { order: OrderRow; now: number }) {
  const waiting = waitingOf(order, now);
  if (!waiting) return null;
  const { days, hours, minutes } = spanOf(waiting.minutes);
  const span = days ? t("span.days", { days, hours }) : hours ? t("span.hours", { hours, minutes }) : t("span.minutes", { minutes });
  return <span className={waiting.what === "here" ? "second waits waits-here" : "second waits"}>{t(`orders.waits.${waiting.what}`, { span })}</span>;
}

const TONES: Readonly<Record<string, string>> = { final: "good", amended: "good", corrected: "good", appended: "good", preliminary: "warn" };

function ReportOf({ order: { report } }: { order: OrderRow }) {
  if (!report) return <OrNone>{null}</OrNone>;
  return (
    <>
      <span className={`badge badge-${TONES[report.status] ?? "plain"}`}>{word("report.status", report.status)}</span>
      {report.is_critical && <span className="second text-bad">{t("orders.critical")}</span>}
      {report.claimed_by && <span className="second">{report.claimed_by}</span>}
    </>
  );
}
