/** The cells of the list of orders. */
import { Link } from "react-router-dom";
import type { OrderRow } from "../api/types";
import type { Column } from "../components/DataList";
import { Person } from "../components/Person";
import { Instant, OrderStatus, OrNone, PersonName, PriorityFlag } from "../components/values";
import { ViewButton } from "../components/ViewButton";
import { ofNamed, type Whom } from "../components/whom";
import { formatNumber, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { TakeButton } from "./Assignment";
import type { ColumnName } from "./layout";
import { hasImages, orderTitle } from "./orderWords";
import { useRowTab } from "./row";
import { spanOf, waitingOf } from "./waiting";

export interface Showing {
  isNamesake: (whom: Whom) => boolean;
  now: number;
  /** Columns that there are. */
  has: (name: ColumnName) => boolean;
}

type Cells = Readonly<Record<ColumnName, Omit<Column<OrderRow>, "key">>>;

export const cellsOf = ({ isNamesake, now, has }: Showing): Cells => ({
  patient: {
    title: t("column.patient"),
    main: true,
    sortBy: "patient_name",
    cell: (order) => <Person whom={ofNamed(order)} isNamesake={isNamesake(ofNamed(order))} name={<PatientLink order={order} />} />,
  },
  order: {
    title: t("column.order"),
    sortBy: "accession_number",
    cell: (order) => (
      <>
        <OrderLink order={order} />
        <span className="second number">
          {!has("accession_number") && `${order.accession_number} `}
          {!has("priority") && <PriorityFlag priority={order.priority} />}
        </span>
      </>
    ),
  },
  accession_number: { title: t("order.accession_number"), className: "number", sortBy: "accession_number", cell: (order) => order.accession_number },
  modality: {
    title: t("column.modality"),
    sortBy: "modality",
    cell: (order) => (
      <>
        <OrNone>{[order.modality, !has("station") && order.station_ae_title].filter(Boolean).join(" · ")}</OrNone>
        {order.body_part && !has("body_part") && <span className="second">{order.body_part}</span>}
      </>
    ),
  },
  station: { title: t("orders.station"), sortBy: "station_ae_title", cell: (order) => <OrNone>{order.station_ae_title}</OrNone> },
  body_part: { title: t("order.body_part"), cell: (order) => <OrNone>{order.body_part}</OrNone> },
  scheduled: {
    title: t("column.scheduled"),
    sortBy: "scheduled_at",
    cell: (order) => (
      <>
        <Instant iso={order.scheduled_at} />
        <Waits order={order} now={now} />
      </>
    ),
  },
  priority: {
    title: t("order.priority"),
    sortBy: "urgency",
    cell: (order) => <OrNone>{order.priority && (order.priority === "ROUTINE" ? word("order.priority", "routine") : <PriorityFlag priority={order.priority} />)}</OrNone>,
  },
  ordered_by: { title: t("order.ordered_by"), cell: (order) => <OrNone>{personName(order.ordered_by)}</OrNone> },
  status: {
    title: t("column.status"),
    cell: (order) => (
      <>
        <OrderStatus status={order.status} />
        {order.assigned_name && !has("assigned_to") && <span className="second">{order.assigned_name}</span>}
      </>
    ),
  },
  assigned_to: { title: t("assign.column"), sortBy: "assigned_to", cell: (order) => <OrNone>{order.assigned_name}</OrNone> },
  report: { title: t("order.report"), cell: (order) => <ReportOf order={order} /> },
  images: {
    title: t("column.images"),
    className: "number column-end",
    cell: (order) => <OrNone>{hasImages(order) ? formatNumber(order.number_of_images ?? 0) : ""}</OrNone>,
  },
  view: { title: t("column.action"), className: "column-action", silent: true, cell: (order) => <Act order={order} /> },
});

/** Who it is leads to the patient, wherever a name stands. */
export function PatientLink({ order }: { order: OrderRow }) {
  return (
    <Link className="name-link" tabIndex={useRowTab()} to={`/patients/${encodeURIComponent(order.patient_id)}`}>
      <PersonName name={order.patient_name} />
    </Link>
  );
}

/** What the whole row opens. */
export function OrderLink({ order }: { order: OrderRow }) {
  const what = order.description || order.accession_number;
  const opens = t("orders.open", {
    accession: order.accession_number,
    patient: personName(order.patient_name) || t("patient.unknown"),
  });
  return (
    <Link className="row-link" tabIndex={useRowTab()} to={`/orders/${encodeURIComponent(order.id)}`} aria-label={`${what}. ${opens}`}>
      {what}
    </Link>
  );
}

/** What one does most likely: look at the images, or make them. */
export function Act({ order }: { order: OrderRow }) {
  const tab = useRowTab();
  if (hasImages(order)) return <ViewButton tabIndex={tab} studyInstanceUid={order.study_instance_uid} what={orderTitle(order)} />;
  return <TakeButton order={order} />;
}

export function Waits({ order, now }: { order: OrderRow; now: number }) {
  const waiting = waitingOf(order, now);
  if (!waiting) return null;
  const { days, hours, minutes } = spanOf(waiting.minutes);
  const span = days ? t("span.days", { days, hours }) : hours ? t("span.hours", { hours, minutes }) : t("span.minutes", { minutes });
  return <span className={waiting.what === "here" ? "second waits waits-here" : "second waits"}>{t(`orders.waits.${waiting.what}`, { span })}</span>;
}

const TONES: Readonly<Record<string, string>> = { final: "good", amended: "good", corrected: "good", appended: "good", preliminary: "warn" };

export function ReportOf({ order: { report } }: { order: OrderRow }) {
  const tab = useRowTab();
  if (!report) return <OrNone>{null}</OrNone>;
  return (
    <>
      <Link className={`badge badge-${TONES[report.status] ?? "plain"} name-link`} tabIndex={tab} to={`/reports/${encodeURIComponent(report.id)}`}>
        {word("report.status", report.status)}
      </Link>
      {report.is_critical && <span className="second text-bad">{t("orders.critical")}</span>}
      {report.claimed_by && <span className="second">{report.claimed_by}</span>}
    </>
  );
}

export function columnTitle(name: ColumnName): string {
  const { title } = cellsOf({ isNamesake: () => false, now: 0, has: () => true })[name];
  return title;
}
