/** How long examinations take, from order to signed report; and one leg by modality and priority. */
import { useTurnaround, type Leg, type Turnaround, type TurnaroundQuestion } from "../api/dashboard";
import { ListSkeleton, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { SelectField } from "../components/Fields";
import { OrNone } from "../components/values";
import { formatDay, t, word } from "../i18n";
import { Figure } from "./Figure";
import { examinationsOf } from "./links";
import { NumberLink } from "./NumberLink";
import { NumberTable } from "./NumberTable";
import { LEGS, timeWords, unitOf } from "./words";

interface Props {
  question: TurnaroundQuestion;
  leg: string;
  onLeg: (leg: string) => void;
}

export function TurnaroundPanel({ question, leg, onLeg }: Props) {
  const { data, error, refetch, isPlaceholderData } = useTurnaround(question);
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  const chosen = data.legs.find((one) => one.leg === leg) ?? data.legs[0];
  return (
    <>
      <section className="panel" aria-labelledby="times-title">
        <div className="panel-head">
          <h2 id="times-title">{t("dashboard.times")}</h2>
          <p className="muted small">{t("dashboard.period", { from: formatDay(data.first_day), to: formatDay(data.last_day) })}</p>
        </div>
        <p>
          {t("dashboard.times.of")} <NumberLink count={data.examinations} to={examinationsOf(question)} label={t("dashboard.examinations")} />
        </p>
        {data.is_cut && <p className="text-warn">{t("dashboard.times.cut")}</p>}
        <NumberTable label={t("dashboard.times.table")} columns={legColumns(question)} rows={data.legs} rowKey={(one) => one.leg} busy={isPlaceholderData} />
        <p className="muted small">{t("dashboard.times.few")}</p>
      </section>
      {chosen && <Breakdown of={data} leg={chosen} question={question} onLeg={onLeg} busy={isPlaceholderData} />}
    </>
  );
}

type Measured = Pick<Leg, "number" | "median_minutes" | "p90_minutes">;

const timeColumns = <T extends Measured>(): Column<T>[] => [
  { key: "median", title: t("dashboard.median"), className: "column-end number", cell: (one) => <OrNone>{timeWords(one.median_minutes)}</OrNone> },
  { key: "p90", title: t("dashboard.p90"), className: "column-end number", cell: (one) => <OrNone>{timeWords(one.p90_minutes)}</OrNone> },
];

const legColumns = (question: TurnaroundQuestion): Column<Leg>[] => [
  { key: "leg", title: t("dashboard.leg"), main: true, className: "column-first", cell: ({ leg }) => t(`dashboard.leg.${leg}`) },
  {
    key: "number",
    title: t("dashboard.number"),
    className: "column-end",
    cell: ({ leg, number }) => <NumberLink count={number} to={examinationsOf(question, leg)} label={t(`dashboard.leg.${leg}`)} />,
  },
  ...timeColumns<Leg>(),
];

interface Group extends Measured {
  key: string;
  name: string;
  to: string;
}

function Breakdown({ of, leg, question, onLeg, busy }: { of: Turnaround; leg: Leg; question: TurnaroundQuestion; onLeg: (leg: string) => void; busy: boolean }) {
  const title = t(`dashboard.leg.${leg.leg}`);
  const modalities = leg.modalities.map((one): Group => ({ ...one, key: one.modality, name: one.modality, to: examinationsOf({ ...question, modality: one.modality }, leg.leg) }));
  const priorities = leg.priorities.map((one): Group => ({ ...one, key: one.priority, name: word("order.priority", one.priority.toLowerCase()), to: examinationsOf({ ...question, priority: one.priority }, leg.leg) }));
  return (
    <section className="panel" aria-labelledby="leg-title">
      <h2 id="leg-title">{t("dashboard.groups", { what: title })}</h2>
      <div className="filters">
        <SelectField label={t("dashboard.leg")} value={leg.leg} options={LEGS.map((value) => ({ value, label: t(`dashboard.leg.${value}`) }))} onChange={onLeg} />
      </div>
      {of.examinations === 0 ? <p>{t("dashboard.times.none")}</p> : null}
      <Groups title={t("dashboard.by.modality")} column={t("column.modality")} groups={modalities} what={title} busy={busy} />
      <Groups title={t("dashboard.by.priority")} column={t("order.priority")} groups={priorities} what={title} busy={busy} />
    </section>
  );
}

function Groups({ title, column, groups, what, busy }: { title: string; column: string; groups: readonly Group[]; what: string; busy: boolean }) {
  if (groups.length === 0) return null;
  const measured = groups.filter((one) => one.median_minutes !== null && one.p90_minutes !== null);
  const unit = unitOf(Math.max(0, ...measured.map((one) => one.p90_minutes ?? 0)));
  const bars = measured.map((one) => ({ name: one.name, first: (one.median_minutes ?? 0) / unit.minutes, second: (one.p90_minutes ?? 0) / unit.minutes }));
  const columns: Column<Group>[] = [
    { key: "name", title: column, main: true, className: "column-first", cell: ({ name }) => name },
    { key: "number", title: t("dashboard.number"), className: "column-end", cell: ({ name, number, to }) => <NumberLink count={number} to={to} label={`${name}, ${what}`} /> },
    ...timeColumns<Group>(),
  ];
  return (
    <>
      <h3>{title}</h3>
      <div className="plot-and-table">
        <Figure bars={bars} first={t("dashboard.median")} second={t("dashboard.p90")} unit={t(`dashboard.unit.${unit.key}`)} label={t("dashboard.plot", { what, by: title })} />
        <NumberTable label={`${what}, ${title}`} columns={columns} rows={groups} rowKey={({ key }) => key} busy={busy} />
      </div>
    </>
  );
}
