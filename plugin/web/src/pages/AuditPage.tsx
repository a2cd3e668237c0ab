import { useCallback } from "react";
import { Link } from "react-router-dom";
import { useAudit, type AuditEvent } from "../api/audit";
import { rangeOf } from "../api/dayRange";
import { ExportPanel } from "../audit/ExportPanel";
import { VerifyPanel } from "../audit/VerifyPanel";
import { ACTIONS, detailLines, technicalLines } from "../audit/words";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { DateField } from "../components/DateField";
import { SearchField, SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { IssuerField } from "../components/IssuerField";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Day, Instant, modalitiesOf, OrNone, PersonName } from "../components/values";
import { ofNamed } from "../components/whom";
import { formatNumber, t, word } from "../i18n";

const DEFAULTS = { action: "", from: "", to: "", study: "", issuer: "" };
const UID = /^[0-9.]{1,64}$/;

export function AuditPage() {
  return (
    <NeedsPermission permission="audit" title={t("audit.title")}>
      <Audit />
    </NeedsPermission>
  );
}

function Audit() {
  const [{ q, texts, filters, offset }, move] = useListPlace(DEFAULTS);
  const range = rangeOf(filters.from, filters.to);
  const study = UID.test(filters.study) ? filters.study : "";
  const action = ACTIONS.find((each) => each === filters.action) ?? "";
  const { patient = "" } = texts;
  const asked = { actor: q, patient, issuer: patient && filters.issuer, action, study, ...range };
  const events = useAudit({ ...asked, offset });
  const search = useCallback((text: string) => move({ q: text }), [move]);
  const searchPatient = useCallback((text: string) => move({ texts: { patient: text } }), [move]);
  const mayKnow = useMay("read");
  return (
    <Page title={t("audit.title")} lead={t("audit.lead")} isWide>
      <div className="two">
        <VerifyPanel />
        <ExportPanel filter={asked} />
      </div>
      <Filters
        label={t("audit.filters")}
        asked={[patient, action, range.from, range.to]}
        folding={
          <>
            {mayKnow && <SearchField label={t("column.patient")} hint={t("audit.patient.hint")} value={patient} onChange={searchPatient} />}
            {mayKnow && <IssuerField value={filters.issuer} onChange={(issuer) => move({ filters: { issuer } })} />}
            <SelectField
              label={t("audit.action")}
              value={action}
              options={[{ value: "", label: t("audit.actions.all") }, ...ACTIONS.map((value) => ({ value, label: word("audit.action", value) }))]}
              onChange={(value) => move({ filters: { action: value } })}
            />
            <DateField label={t("audit.from")} value={filters.from} onChange={(value) => move({ filters: { from: value } })} />
            <DateField label={t("audit.to")} value={filters.to} onChange={(value) => move({ filters: { to: value } })} />
          </>
        }
      >
        <SearchField label={t("audit.actor")} hint={t("audit.actor.hint")} value={q} onChange={search} />
      </Filters>
      {study && (
        <p className="chosen">
          {t("audit.of_study")} <span className="uid">{study}</span>
          <button type="button" className="button button-small" onClick={() => move({ filters: { study: "" } })}>
            {t("audit.of_study.clear")}
          </button>
        </p>
      )}
      <QueryList
        label={t("audit.list")}
        list={events}
        columns={columns()}
        rowKey={({ id }) => String(id)}
        found={(count) => t("audit.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={
          <Blank icon="shield" title={t("audit.none.title")} text={t("audit.none.text")}>
            <button type="button" className="button" onClick={() => move({ q: "", texts: { patient: "" }, filters: DEFAULTS })}>
              {t("audit.none.action")}
            </button>
          </Blank>
        }
      />
    </Page>
  );
}

const columns = (): Column<AuditEvent>[] => [
  {
    key: "what",
    title: t("audit.what"),
    main: true,
    cell: (event) => (
      <>
        {word("audit.action", event.action)}{" "}
        {event.outcome !== "success" && <span className="badge badge-bad">{word("audit.outcome", event.outcome)}</span>}
        <span className="second number">
          {formatNumber(event.id)} · <Instant iso={event.at} />
        </span>
      </>
    ),
  },
  {
    key: "who",
    title: t("audit.who"),
    className: "column-who",
    cell: (event) => (
      <>
        <bdi>{event.actor}</bdi>
        <span className="second number">
          <OrNone>{event.address}</OrNone>
        </span>
      </>
    ),
  },
  {
    key: "about",
    title: t("audit.about"),
    className: "column-wide",
    cell: (event) => <About event={event} />,
  },
  {
    key: "detail",
    title: t("audit.details"),
    className: "column-wide",
    cell: ({ id, detail }) => (
      <>
        <Lines of={detailLines(detail)} />
        <Technical id={id} lines={technicalLines(detail)} />
      </>
    ),
  },
];

function Lines({ of }: { of: readonly string[] }) {
  if (of.length === 0) return null;
  return (
    <ul className="small details">
      {of.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

/** Ids and routes, for who compares an event with a log. */
function Technical({ id, lines }: { id: number; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <details className="small">
      <summary className="muted">
        {t("audit.technical")}
        <span className="visually-hidden"> {formatNumber(id)}</span>
      </summary>
      <Lines of={lines} />
    </details>
  );
}

/** The patient, for whoever may see them, the study and the order: by name where they are here, else by what the trail holds. */
function About({ event: { patient, patient_id: id, study, study_instance_uid: uid, order_id: order, accession_number: accession } }: { event: AuditEvent }) {
  const what = (uid || accession) && (
    <>
      {uid && (
        <Link className={study ? "second" : "uid second"} to={`/studies/${encodeURIComponent(uid)}`} title={uid}>
          <StudyName uid={uid} study={study} />
        </Link>
      )}
      {accession && (
        <Link className="second number" to={`/orders/${encodeURIComponent(order ?? accession)}`}>
          {accession}
        </Link>
      )}
    </>
  );
  if (!patient) return <OrNone>{what}</OrNone>;
  const whom = ofNamed(patient);
  return (
    <Person
      whom={whom}
      name={
        <Link to={`/patients/${encodeURIComponent(id ?? "")}`}>
          <PersonName name={whom.name} />
        </Link>
      }
    >
      {what}
    </Person>
  );
}

/** "CT thorax · CT · 24 Nov 2026". */
function StudyName({ uid, study }: { uid: string; study: AuditEvent["study"] }) {
  if (!study) return <>{uid}</>;
  const modalities = modalitiesOf(study.modalities);
  const what = study.study_description || modalities || uid;
  return (
    <>
      <bdi>{what}</bdi>
      {what !== modalities && modalities && <> · {modalities}</>}
      {study.study_date && (
        <>
          {" "}
          · <Day iso={study.study_date} />
        </>
      )}
    </>
  );
}
