/** The day's orders by modality and state. */
import type { Board } from "../api/dashboard";
import { Day } from "../components/values";
import type { Column } from "../components/DataList";
import { t, word } from "../i18n";
import { ordersOf } from "./links";
import { NumberLink } from "./NumberLink";
import { NumberTable } from "./NumberTable";
import { STATES } from "./words";

interface Row {
  /** "" is all of them. */
  modality: string;
  states: Board["today"]["states"];
}

export function TodayPanel({ today, zone }: { today: Board["today"]; zone: string }) {
  const rows: Row[] = [...today.modalities, ...(today.modalities.length > 1 ? [{ modality: "", states: today.states }] : [])];
  return (
    <section className="panel" aria-labelledby="today-title">
      <div className="panel-head">
        <h2 id="today-title">{t("dashboard.today")}</h2>
        <p className="muted small">
          <Day iso={today.date_at_site} /> ({zone})
        </p>
      </div>
      {rows.length === 0 ? (
        <p>{t("dashboard.today.none")}</p>
      ) : (
        <NumberTable label={t("dashboard.today.table")} columns={columns(today)} rows={rows} rowKey={({ modality }) => modality} />
      )}
    </section>
  );
}

const columns = (today: Board["today"]): Column<Row>[] => [
  { key: "modality", title: t("column.modality"), main: true, className: "column-first", cell: ({ modality }) => modality || t("dashboard.all") },
  ...STATES.map((state): Column<Row> => ({
    key: state,
    title: word("order.status", state),
    className: "column-end",
    cell: ({ modality, states }) => (
      <NumberLink count={states[state]} to={ordersOf(today, state, modality)} label={said(modality, word("order.status", state))} />
    ),
  })),
  {
    key: "total",
    title: t("dashboard.total"),
    className: "column-end",
    cell: ({ modality, states }) => <NumberLink count={states.total} to={ordersOf(today, "", modality)} label={said(modality, t("dashboard.total"))} />,
  },
];

const said = (modality: string, what: string) => `${modality || t("dashboard.all")}, ${what}`;
