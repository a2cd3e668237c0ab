/** The examinations behind a time of the dashboard, slowest first. */
import { Link } from "react-router-dom";
import { useExaminations, type Examination } from "../api/dashboard";
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
import { Instant, OrderStatus, OrNone, PersonName, PriorityFlag } from "../components/values";
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { PriorityField, SpanField } from "../dashboard/SpanFields";
import { LEGS, PRIORITIES, SPANS, timeWords } from "../dashboard/words";
import { t } from "../i18n";
import { ModalityField } from "../study/ModalityField";

const DEFAULTS = { days: "30", modality: "", priority: "", leg: "" };

export function ExaminationsPage() {
  return (
    <NeedsPermission permission="read" title={t("dashboard.examinations")}>
      <Examinations />
    </NeedsPermission>
  );
}

function Examinations() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const leg = LEGS.find((each) => each === filters.leg) ?? "";
  const question = {
    days: SPANS.find((each) => each === filters.days) ?? DEFAULTS.days,
    modality: /^[A-Z0-9_]{1,16}$/.test(filters.modality) ? filters.modality : "",
    priority: PRIORITIES.find((each) => each === filters.priority) ?? "",
    leg,
    offset,
  };
  const found = useExaminations(question);
  const back = new URLSearchParams({ days: question.days, ...(question.modality && { modality: question.modality }), ...(question.priority && { priority: question.priority }), ...(leg && { leg }) });
  return (
    <Page
      title={t("dashboard.examinations")}
      lead={leg ? t("dashboard.examinations.lead", { what: t(`dashboard.leg.${leg}`) }) : t("dashboard.examinations.lead.all")}
      above={<BackLink to={`/dashboard?${back.toString()}`}>{t("dashboard.back")}</BackLink>}
    >
      <Filters label={t("dashboard.filters")}>
        <SpanField value={question.days} onChange={(days) => move({ filters: { days } })} />
        <ModalityField value={question.modality} onChange={(modality) => move({ filters: { modality } })} />
        <PriorityField value={question.priority} onChange={(priority) => move({ filters: { priority } })} />
        <SelectField
          label={t("dashboard.leg")}
          value={leg}
          options={[{ value: "", label: t("dashboard.leg.any") }, ...LEGS.map((value) => ({ value, label: t(`dashboard.leg.${value}`) }))]}
          onChange={(to) => move({ filters: { leg: to } })}
        />
      </Filters>
      <QueryList
        label={t("dashboard.examinations")}
        list={found}
        columns={columns(leg !== "", namesakes((found.data?.items ?? []).map(ofNamed)))}
        rowKey={({ order_id: id }) => id}
        found={(count) => t("dashboard.examinations.found", { count })}
        empty={<Blank icon="history" title={t("dashboard.examinations.none")} text={t("dashboard.examinations.none.text")} />}
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Page>
  );
}

const columns = (isTimed: boolean, isNamesake: (whom: Whom) => boolean): Column<Examination>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (one) => (
      <Person
        whom={ofNamed(one)}
        isNamesake={isNamesake(ofNamed(one))}
        name={
          <Link className="row-link" to={`/orders/${encodeURIComponent(one.order_id)}`}>
            <PersonName name={one.patient_name} />
          </Link>
        }
      />
    ),
  },
  {
    key: "what",
    title: t("order.description"),
    className: "column-wide",
    cell: (one) => (
      <>
        {one.description} <PriorityFlag priority={one.priority} />
        <span className="second number">
          {one.modality} · {one.accession_number}
        </span>
      </>
    ),
  },
  { key: "status", title: t("column.status"), cell: ({ status }) => <OrderStatus status={status} /> },
  ...(isTimed
    ? ([
        { key: "from", title: t("dashboard.began"), className: "number", cell: ({ began_at: at }) => <Instant iso={at} /> },
        { key: "to", title: t("dashboard.ended"), className: "number", cell: ({ ended_at: at }) => <Instant iso={at} /> },
        { key: "time", title: t("dashboard.time"), className: "number column-end", cell: ({ minutes }) => <OrNone>{timeWords(minutes)}</OrNone> },
      ] satisfies Column<Examination>[])
    : ([{ key: "images", title: t("dashboard.first_image"), className: "number", cell: ({ began_at: at }) => <Instant iso={at} /> }] satisfies Column<Examination>[])),
];
