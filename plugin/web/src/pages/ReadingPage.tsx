/** The radiologist's day: what waits to be read, what is being written, whom nobody has told yet. */
import { useEffect, useId, useMemo, useState, type ReactNode } from "react";
import { Link, useNavigate } from "react-router-dom";
import { useBegin, useOpenReports, useReading, useTemplates, type ReportItem, type Unread } from "../api/reports";
import { useCurrentUser } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { ListSkeleton, type Column } from "../components/DataList";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { ErrorState } from "../components/ErrorState";
import { NeedsPermission } from "../components/NoPermission";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { PatientLink } from "../components/PatientLink";
import { Person } from "../components/Person";
import { isForPage } from "../components/pressed";
import { Problem } from "../components/Problem";
import { Instant, OrNone, PriorityFlag } from "../components/values";
import { QueryList } from "../components/QueryList";
import { useShortcuts } from "../components/Shortcuts";
import { useListPlace } from "../components/useListPlace";
import { ofNamed } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { formatInstant, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { ReportLine } from "../reporting/ReportsPanel";
import { ReportStatus } from "../reporting/Status";
import { beginning } from "../reporting/template";
import { isTaken, subjectOf, titleOf } from "../reporting/worklist";

/** The template is chosen by modality and body part. */
const FITTING = "*";

export function ReadingPage() {
  return (
    <NeedsPermission permission="write_reports" title={t("reading.title")}>
      <Page title={t("reading.title")} lead={t("reading.lead")} isWide>
        <Lists />
      </Page>
    </NeedsPermission>
  );
}

/** Letter keys go from study to study; Enter begins, or opens, its report. */
function useReadingKeys(): void {
  useShortcuts(useMemo(shortcuts, []));
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
      if (!step || event.shiftKey || !isForPage(event)) return;
      const acts = [...document.querySelectorAll<HTMLElement>("main .read-button")];
      if (acts.length === 0) return;
      event.preventDefault();
      const at = acts.indexOf(document.activeElement as HTMLElement);
      acts[at < 0 ? 0 : Math.min(acts.length - 1, Math.max(0, at + step))]?.focus();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function shortcuts() {
  return [
    { keys: ["j"], does: t("reading.key.next") },
    { keys: ["k"], does: t("reading.key.previous") },
    { keys: ["Enter"], does: t("reading.key.begin") },
  ];
}

function Lists() {
  useReadingKeys();
  const { data, error, isError, refetch } = useOpenReports();
  const { subject } = useCurrentUser();
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  const critical = data.waiting.filter((one) => one.critical?.is_open);
  const others = data.waiting.filter((one) => !one.critical?.is_open);
  return (
    <>
      {isError && (
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
      <ToRead subject={subject} />
      {data.drafts.length > 0 && (
        <Part title={t("reading.drafts")}>
          <Reports reports={data.drafts} note={(one) => whoWrites(one, subject)} />
        </Part>
      )}
    </>
  );
}

/** Which studies are shown, by what stands in the address. */
const SHOWN: Readonly<Record<string, { urgency?: string; begun?: string }>> = {
  all: {},
  urgent: { urgency: "stat,high" },
  free: { begun: "false" },
  no_order: { urgency: "no_order" },
};
const DEFAULTS = { show: "all" };

function ToRead({ subject }: { subject: string }) {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const asked = SHOWN[filters.show] ?? {};
  const reading = useReading({ ...asked, offset });
  const begin = useBegin();
  const templates = useTemplates(true).data ?? [];
  const [chosen, setChosen] = useState(FITTING);
  const navigate = useNavigate();
  const urgent = reading.data ? reading.data.counts.stat + reading.data.counts.high : 0;
  const read = (one: Unread) => {
    if (one.report) return void navigate(`/reports/${one.report.id}`);
    const body = chosen === FITTING ? beginning(subjectOf(one), templates) : { ...subjectOf(one).of, ...(chosen && { template: chosen }) };
    if (!begin.isPending) begin.mutate(body, { onSuccess: ({ report }) => void navigate(`/reports/${report.id}`) });
  };
  return (
    <Part title={t("reading.unread")}>
      {begin.error && <Problem error={begin.error} />}
      <Filters label={t("reading.unread")}>
        <SelectField
          label={t("reading.show")}
          value={filters.show}
          options={Object.keys(SHOWN).map((value) => ({ value, label: word("reading.show", value) }))}
          onChange={(show) => move({ filters: { show } })}
        />
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
      <QueryList
        label={t("reading.unread")}
        list={reading}
        save={{ path: "reading-list", query: asked }}
        columns={columns(subject, read)}
        rowKey={({ study_instance_uid: uid }) => uid}
        found={(count) => [t("reading.found", { count }), ...(urgent ? [t("reading.urgent", { count: urgent })] : [])].join(", ")}
        empty={<Blank icon="check" title={t("reading.none.title")} text={t("reading.none.text")} />}
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Part>
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
          <Person whom={ofNamed(one)} name={<PatientLink id={one.patient_id} name={one.patient_name} />} />
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
    cell: (one) => <Person whom={ofNamed(one)} name={<PatientLink id={one.patient_id} name={one.patient_name} />} />,
  },
  {
    key: "study",
    title: t("column.study"),
    cell: (one) => (
      <>
        <PriorityFlag priority={one.urgency === "stat" || one.urgency === "high" ? one.urgency.toUpperCase() : null} />{" "}
        <Link to={one.orders[0] ? `/orders/${one.orders[0].id}` : `/studies/${one.study_instance_uid}`}>{titleOf(one)}</Link>
        <span className="second muted small number">{one.orders.map(({ accession_number: number }) => number).join(", ") || t("reading.no_order")}</span>
      </>
    ),
  },
  { key: "modality", title: t("column.modality"), cell: ({ modalities }) => <OrNone>{modalities.join(", ")}</OrNone> },
  {
    key: "since",
    title: t("reading.since"),
    className: "number",
    cell: ({ waiting_since: since, is_receiving: isReceiving }) => (
      <>
        <Instant iso={since} />
        {isReceiving && <span className="second muted small">{t("reading.receiving")}</span>}
      </>
    ),
  },
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
        <ViewButton studyInstanceUid={one.study_instance_uid} what={titleOf(one)} />
        <button
          type="button"
          className="button button-small button-primary read-button"
          aria-label={t(one.report ? "reading.go_on.label" : "reading.read.label", { what: titleOf(one), patient: personName(one.patient_name) })}
          onClick={() => read(one)}
        >
          {t(one.report ? "reading.go_on" : "reading.read")}
        </button>
      </span>
    ),
  },
];
