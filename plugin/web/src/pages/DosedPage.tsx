/** The studies behind a dose of the dashboard, the highest first. */
import { Link } from "react-router-dom";
import { useDosed, type DosedStudy } from "../api/dashboard";
import { BackLink } from "../components/BackLink";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Day, OrNone, PersonName } from "../components/values";
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { SpanField } from "../dashboard/SpanFields";
import { DOSED, METRICS, SPANS, STATED } from "../dashboard/words";
import { formatNumber, t } from "../i18n";

const DEFAULTS = { days: "30", modality: "", metric: "", description: "", undescribed: "", dose: "" };

export function DosedPage() {
  return (
    <NeedsPermission permission="read" title={t("dashboard.dosed")}>
      <Dosed />
    </NeedsPermission>
  );
}

function Dosed() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const question = {
    days: SPANS.find((each) => each === filters.days) ?? DEFAULTS.days,
    modality: DOSED.find((each) => each === filters.modality) ?? "",
    metric: METRICS.find((each) => each === filters.metric) ?? "",
    description: filters.description.slice(0, 64),
    undescribed: filters.undescribed === "true" ? "true" : "",
    dose: STATED.find((each) => each === filters.dose) ?? "",
    offset,
  };
  const found = useDosed(question);
  const only = question.undescribed ? t("studies.untitled") : question.description;
  return (
    <Page
      title={t("dashboard.dosed")}
      lead={only ? t("dashboard.dosed.only", { what: only }) : t("dashboard.dosed.lead")}
      above={<BackLink to={`/dashboard?days=${question.days}`}>{t("dashboard.back")}</BackLink>}
    >
      <Filters label={t("dashboard.dosed.filters")}>
        <SpanField value={question.days} onChange={(days) => move({ filters: { days } })} />
        <SelectField
          label={t("column.modality")}
          value={question.modality}
          options={[{ value: "", label: t("studies.modality.all") }, ...DOSED.map((value) => ({ value, label: value }))]}
          onChange={(modality) => move({ filters: { modality } })}
        />
        <SelectField
          label={t("dashboard.metric")}
          value={question.metric}
          options={[{ value: "", label: t("dashboard.metric.any") }, ...METRICS.map((value) => ({ value, label: t(`dashboard.metric.${value}`) }))]}
          onChange={(metric) => move({ filters: { metric } })}
        />
        <SelectField
          label={t("dashboard.dose")}
          value={question.dose}
          options={[{ value: "", label: t("dashboard.dose.any") }, ...STATED.map((value) => ({ value, label: t(`dashboard.dose.is.${value}`) }))]}
          onChange={(dose) => move({ filters: { dose } })}
        />
        {only && (
          <button type="button" className="button" onClick={() => move({ filters: { description: "", undescribed: "" } })}>
            {t("dashboard.dosed.all")}
          </button>
        )}
      </Filters>
      <QueryList
        label={t("dashboard.dosed")}
        list={found}
        columns={columns(namesakes((found.data?.items ?? []).map(ofNamed)))}
        rowKey={({ study_instance_uid: uid }) => uid}
        found={(count) => t("studies.found", { count })}
        empty={<Blank icon="images" title={t("studies.none.title")} text={t("dashboard.examinations.none.text")} />}
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Page>
  );
}

const columns = (isNamesake: (whom: Whom) => boolean): Column<DosedStudy>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (one) => (
      <Person
        whom={ofNamed(one)}
        isNamesake={isNamesake(ofNamed(one))}
        name={
          <Link className="row-link" to={`/studies/${encodeURIComponent(one.study_instance_uid)}`}>
            <PersonName name={one.patient_name} />
          </Link>
        }
      />
    ),
  },
  {
    key: "what",
    title: t("column.study"),
    className: "column-wide",
    cell: (one) => (
      <>
        {one.study_description || t("studies.untitled")}
        <span className="second">
          {one.modality} · <Day iso={one.study_date} />
        </span>
      </>
    ),
  },
  ...METRICS.map((metric): Column<DosedStudy> => ({
    key: metric,
    title: t(`dashboard.metric.${metric}.short`),
    className: "column-end number",
    cell: (one) => <OrNone>{one[metric] === null ? null : formatNumber(one[metric])}</OrNone>,
  })),
  { key: "source", title: t("dashboard.source"), className: "number", cell: ({ source }) => <OrNone>{source && t(`dashboard.source.${source}`)}</OrNone> },
];
