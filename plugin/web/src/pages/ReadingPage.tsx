/** The radiologist's day: what waits to be read, what is being written, whom nobody has told yet. */
import { useId, useState, type ReactNode } from "react";
import { Link, useNavigate } from "react-router-dom";
import { useBegin, useReading, useTemplates, type ReportItem } from "../api/reports";
import { useCurrentUser } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { DataList, ListSkeleton, type Column } from "../components/DataList";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { ErrorState } from "../components/ErrorState";
import { NeedsPermission } from "../components/NoPermission";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { Problem } from "../components/Problem";
import { Instant, OrNone, PersonName, PriorityFlag } from "../components/values";
import { ofNamed } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { formatInstant, t } from "../i18n";
import { personName } from "../i18n/person";
import { ReportLine } from "../reporting/ReportsPanel";
import { ReportStatus } from "../reporting/Status";
import { beginning } from "../reporting/template";
import { isTaken, unreadOf, type Unread } from "../reporting/worklist";
import { orderTitle } from "../day/orderWords";

/** The template is chosen by modality and body part. */
const FITTING = "*";

export function ReadingPage() {
  return (
    <NeedsPermission permission="write_reports" title={t("reading.title")}>
      <Page title={t("reading.title")} lead={t("reading.lead")}>
        <Lists />
      </Page>
    </NeedsPermission>
  );
}

function Lists() {
  const reading = useReading();
  const { subject } = useCurrentUser();
  const begin = useBegin();
  const templates = useTemplates(true).data ?? [];
  const [chosen, setChosen] = useState(FITTING);
  const navigate = useNavigate();
  if (!reading.data) return reading.error ? <ErrorState error={reading.error} onRetry={() => void reading.refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  const { orders, waiting, reports } = reading.data;
  const unread = unreadOf(orders.items, reports);
  const critical = waiting.filter((one) => one.critical?.is_open);
  const others = waiting.filter((one) => !one.critical?.is_open);
  const drafts = reports.filter(({ draft_kind: kind }) => kind !== null);
  const read = (one: Unread) => {
    if (one.report) return void navigate(`/reports/${one.report.id}`);
    if (!begin.isPending) begin.mutate(chosen === FITTING ? beginning(one.order, templates) : { order_id: one.order.id, ...(chosen && { template: chosen }) }, { onSuccess: ({ report }) => void navigate(`/reports/${report.id}`) });
  };
  return (
    <>
      {reading.isError && (
        <Notice kind="warn">
          <p>{t("error.stale")}</p>
        </Notice>
      )}
      {critical.length > 0 && (
        <Part title={t("reading.critical")}>
          <Reports reports={critical} note={({ critical: level }) => level && t(`report.critical.${level.level}`)} />
        </Part>
      )}
      {others.length > 0 && (
        <Part title={t("reading.waiting")}>
          <Reports reports={others} note={whatItWaitsFor} />
        </Part>
      )}
      <Part title={t("reading.unread")}>
        {begin.error && <Problem error={begin.error} />}
        <Filters label={t("reading.template")}>
          <SelectField
            label={t("reading.template")}
            value={chosen}
            options={[
              { value: FITTING, label: t("reading.template.fitting") },
              { value: "", label: t("reading.template.plain") },
              ...templates.map(({ name, title }) => ({ value: name, label: title })),
            ]}
            onChange={setChosen}
          />
          <Link to="/report-templates">{t("reading.templates")}</Link>
        </Filters>
        <p className="list-said muted" role="status">
          {t("reading.found", { count: unread.length })}
          {orders.total > orders.items.length && ` ${t("reading.first", { count: orders.items.length })}`}
        </p>
        {unread.length === 0 ? (
          <Blank icon="check" title={t("reading.none.title")} text={t("reading.none.text")} />
        ) : (
          <DataList label={t("reading.unread")} columns={columns(subject, read)} rows={unread} rowKey={({ order }) => order.id} busy={false} />
        )}
      </Part>
      {drafts.length > 0 && (
        <Part title={t("reading.drafts")}>
          <Reports reports={drafts} note={(one) => whoWrites(one, subject)} />
        </Part>
      )}
    </>
  );
}

function whatItWaitsFor({ doubt, status, draft_kind: kind, author, updated_at: updated }: ReportItem): string {
  if (doubt) return t("report.doubt");
  if (status === "preliminary") return t("report.preliminary.warning");
  return kind ? t("report.abandoned", { who: author?.name ?? "", when: formatInstant(updated) }) : "";
}

function whoWrites({ claim, author, updated_at: updated }: ReportItem, me: string): string {
  if (claim) return claim.by.subject === me ? t("reading.mine") : t("report.claimed", { who: claim.by.name, until: formatInstant(claim.until) });
  return t("report.abandoned", { who: author?.name ?? "", when: formatInstant(updated) });
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className="stack-small" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

function Reports({ reports, note }: { reports: readonly ReportItem[]; note: (report: ReportItem) => string | null }) {
  return (
    <ul className="plain-list panel">
      {reports.map((one) => (
        <li key={one.id}>
          <Person whom={ofNamed(one)} />
          <div className="plain-row">
            <ReportLine report={one} />
          </div>
          <span className="small muted">{note(one)}</span>
        </li>
      ))}
    </ul>
  );
}

const columns = (me: string, read: (one: Unread) => void): Column<Unread>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: ({ order }) => <Person whom={ofNamed(order)} name={<PersonName name={order.patient_name} />} />,
  },
  {
    key: "study",
    title: t("column.study"),
    cell: ({ order, orders }) => (
      <>
        <PriorityFlag priority={order.priority} /> <Link to={`/orders/${order.id}`}>{orders.map(({ description, accession_number: number }) => description || number).join(", ")}</Link>
        <span className="second muted small number">{orders.map(({ accession_number: number }) => number).join(", ")}</span>
      </>
    ),
  },
  { key: "modality", title: t("column.modality"), cell: ({ order }) => <OrNone>{order.modality}</OrNone> },
  { key: "since", title: t("reading.since"), className: "number", cell: ({ order }) => <Instant iso={order.uploaded_at ?? order.scheduled_at} /> },
  {
    key: "state",
    title: t("reading.state"),
    cell: (one) =>
      one.report ? (
        <>
          <ReportStatus status={one.report.status} />
          {one.report.claim && <span className="second muted small">{isTaken(one, me) ? one.report.claim.by.name : t("reading.mine")}</span>}
        </>
      ) : (
        <OrNone>{null}</OrNone>
      ),
  },
  {
    key: "act",
    title: t("column.action"),
    className: "column-action",
    silent: true,
    cell: (one) => (
      <span className="actions">
        <ViewButton studyInstanceUid={one.order.study_instance_uid} what={orderTitle(one.order)} />
        <button
          type="button"
          className="button button-small button-primary"
          aria-label={t("reading.read.label", { what: one.order.description || one.order.accession_number, patient: personName(one.order.patient_name) })}
          onClick={() => read(one)}
        >
          {t(one.report ? "reading.go_on" : "reading.read")}
        </button>
      </span>
    ),
  },
];
