/** The dose that files state, beside the site's own of the year before. */
import { useDose, type DoseGroup, type Doses } from "../api/dashboard";
import { ListSkeleton, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { SelectField } from "../components/Fields";
import { OrNone } from "../components/values";
import { formatDay, formatNumber, t } from "../i18n";
import { Figure } from "./Figure";
import { dosedOf } from "./links";
import { NumberLink } from "./NumberLink";
import { NumberTable } from "./NumberTable";
import { METRICS } from "./words";

const MOST_BARS = 8;

export function DosePanel({ days, metric, onMetric }: { days: string; metric: DoseGroup["metric"]; onMetric: (metric: string) => void }) {
  const { data, error, refetch, isPlaceholderData } = useDose(days);
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  const groups = data.groups.filter((one) => one.metric === metric);
  const unit = t(`dashboard.metric.${metric}.unit`);
  const bars = groups
    .filter((one) => one.median !== null && one.reference_p75 !== null)
    .slice(0, MOST_BARS)
    .map((one) => ({ name: `${one.modality} ${named(one)}`, first: one.median ?? 0, second: one.reference_p75 ?? 0 }));
  return (
    <section className="panel" aria-labelledby="dose-title">
      <div className="panel-head">
        <h2 id="dose-title">{t("dashboard.dose")}</h2>
        <p className="muted small">{t("dashboard.dose.year", { from: formatDay(data.reference_from), to: formatDay(data.reference_to) })}</p>
      </div>
      <p className="muted">{t("dashboard.dose.lead")}</p>
      {data.is_cut && <p className="text-warn">{t("dashboard.dose.cut")}</p>}
      {data.coverage.length === 0 ? (
        <p>{t("dashboard.dose.none")}</p>
      ) : (
        <>
          <h3>{t("dashboard.dose.stated")}</h3>
          <NumberTable label={t("dashboard.dose.stated")} columns={coverageColumns(days)} rows={data.coverage} rowKey={({ modality }) => modality} busy={isPlaceholderData} />
          <h3>{t("dashboard.dose.groups")}</h3>
          <div className="filters">
            <SelectField
              label={t("dashboard.metric")}
              value={metric}
              options={METRICS.map((value) => ({ value, label: t(`dashboard.metric.${value}`) }))}
              onChange={onMetric}
            />
          </div>
          {groups.length === 0 ? (
            <p>{t("dashboard.metric.none")}</p>
          ) : (
            <div className="plot-and-table">
              <Figure bars={bars} first={t("dashboard.median")} second={t("dashboard.p75.own")} unit={unit} label={t("dashboard.plot", { what: t(`dashboard.metric.${metric}`), by: t("dashboard.dose.groups") })} nameWidth={140} />
              <NumberTable label={t(`dashboard.metric.${metric}`)} columns={groupColumns(days, unit)} rows={groups} rowKey={(one) => `${one.modality} ${one.description ?? ""}`} busy={isPlaceholderData} />
            </div>
          )}
        </>
      )}
    </section>
  );
}

type Covered = Doses["coverage"][number];

const coverageColumns = (days: string): Column<Covered>[] => [
  { key: "modality", title: t("column.modality"), main: true, className: "column-first", cell: ({ modality }) => modality },
  {
    key: "studies",
    title: t("dashboard.dose.studies"),
    className: "column-end",
    cell: ({ modality, studies }) => <NumberLink count={studies} to={dosedOf({ days, modality })} label={`${modality}, ${t("dashboard.dose.studies")}`} />,
  },
  {
    key: "stated",
    title: t("dashboard.dose.with"),
    className: "column-end",
    cell: ({ modality, stated }) => <NumberLink count={stated} to={dosedOf({ days, modality, dose: "stated" })} label={`${modality}, ${t("dashboard.dose.with")}`} />,
  },
  {
    key: "unstated",
    title: t("dashboard.dose.without"),
    className: "column-end",
    cell: ({ modality, studies, stated, due }) => (
      <>
        <NumberLink count={studies - stated} to={dosedOf({ days, modality, dose: "unstated" })} label={`${modality}, ${t("dashboard.dose.without")}`} />
        {due > 0 && <span className="second">{t("dashboard.dose.due", { count: due })}</span>}
      </>
    ),
  },
];

const named = ({ description }: DoseGroup) => description ?? t("studies.untitled");

function groupColumns(days: string, unit: string): Column<DoseGroup>[] {
  const value = (one: number | null) => <OrNone>{one === null ? null : `${formatNumber(one)} ${unit}`}</OrNone>;
  const of = ({ modality, metric, description }: DoseGroup) => ({ days, modality, metric, ...(description === null ? { undescribed: "true" } : { description }) });
  return [
    {
      key: "what",
      title: t("dashboard.dose.what"),
      main: true,
      className: "column-first",
      cell: (one) => (
        <>
          {named(one)}
          <span className="second">{one.modality}</span>
        </>
      ),
    },
    { key: "number", title: t("dashboard.number"), className: "column-end", cell: (one) => <NumberLink count={one.number} to={dosedOf(of(one))} label={`${one.modality} ${named(one)}`} /> },
    { key: "median", title: t("dashboard.median"), className: "column-end number", cell: (one) => value(one.median) },
    { key: "own", title: t("dashboard.p75.own"), className: "column-end number", cell: (one) => value(one.reference_p75) },
    {
      key: "above",
      title: t("dashboard.dose.above"),
      className: "column-end",
      cell: (one) => (
        <OrNone>
          {one.above === null ? null : <NumberLink count={one.above} to={dosedOf({ ...of(one), dose: "above" })} label={`${one.modality} ${named(one)}, ${t("dashboard.dose.above")}`} />}
        </OrNone>
      ),
    },
  ];
}
