import { useState } from "react";
import { Link } from "react-router-dom";
import { useQuarantine, type Quarantined } from "../api/quarantine";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { NoPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { PatientLink } from "../components/PatientLink";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant } from "../components/values";
import { ofNamed, ofSaid } from "../components/whom";
import { formatInstant, t, word } from "../i18n";
import { Decision, type Asked } from "../quarantine/Decide";
import { SaidMore } from "../quarantine/SaidMore";
import { CODES, fileTitle, STATES, whyWords } from "../quarantine/words";

const DEFAULTS = { status: "waiting", code: "", study: "" };

export function QuarantinePage() {
  const mayReconcile = useMay("reconcile");
  if (!mayReconcile) {
    return (
      <Page title={t("quarantine.title")}>
        <NoPermission permission="reconcile" />
      </Page>
    );
  }
  return <Files />;
}

function Files() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const status = STATES.find((each) => each === filters.status) ?? "waiting";
  const code = CODES.find((each) => each === filters.code) ?? "";
  const files = useQuarantine({ status, code, study: filters.study, offset });
  const [asked, setAsked] = useState<Asked | null>(null);
  const isNarrow = status !== "waiting" || code !== "" || filters.study !== "";
  return (
    <Page title={t("quarantine.title")} lead={t("quarantine.lead")} isWide>
      <Filters label={t("quarantine.filters")}>
        <SelectField
          label={t("quarantine.status")}
          value={status}
          options={STATES.map((value) => ({ value, label: word("quarantine.status", value) }))}
          onChange={(value) => move({ filters: { ...filters, status: value } })}
        />
        <SelectField
          label={t("quarantine.code")}
          value={code}
          options={[{ value: "", label: t("quarantine.code.all") }, ...CODES.map((value) => ({ value, label: whyWords(value) }))]}
          onChange={(value) => move({ filters: { ...filters, code: value } })}
        />
      </Filters>
      {filters.study && (
        <p className="small">
          {t("quarantine.of_study", { uid: filters.study })}{" "}
          <button type="button" className="button button-small" onClick={() => move({ filters: { ...filters, study: "" } })}>
            {t("quarantine.of_study.all")}
          </button>
        </p>
      )}
      <QueryList
        label={t("quarantine.list")}
        list={files}
        save={{ path: "quarantine", query: { status, code, study: filters.study } }}
        columns={columns(setAsked)}
        rowKey={({ id }) => id}
        found={(count) => t("quarantine.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={
          <Blank
            icon="shield"
            title={t(isNarrow ? "quarantine.none.title" : "quarantine.empty.title")}
            text={t(isNarrow ? "quarantine.none.text" : "quarantine.empty.text")}
          >
            {isNarrow && (
              <button type="button" className="button" onClick={() => move({ filters: DEFAULTS })}>
                {t("quarantine.none.action")}
              </button>
            )}
          </Blank>
        }
      />
      {asked && <Decision asked={asked} onAsk={setAsked} onClose={() => setAsked(null)} />}
    </Page>
  );
}

const columns = (onAsk: (asked: Asked) => void): Column<Quarantined>[] => [
  { key: "said", title: t("quarantine.column.said"), main: true, cell: (file) => <Said file={file} /> },
  { key: "why", title: t("quarantine.column.why"), className: "column-wide", cell: (file) => <Why file={file} /> },
  { key: "sender", title: t("quarantine.column.sender"), className: "column-wide", cell: (file) => <SentBy file={file} /> },
  {
    key: "decide",
    title: t("quarantine.column.decision"),
    className: "column-action column-decide",
    cell: (file) => <Choices file={file} onAsk={onAsk} />,
  },
];

function Said({ file }: { file: Quarantined }) {
  const { said } = file;
  if (Object.keys(said).length === 0) return <span className="muted">{t("quarantine.unreadable")}</span>;
  return (
    <Person whom={ofSaid(said)}>
      <SaidMore said={said} />
    </Person>
  );
}

function Why({ file }: { file: Quarantined }) {
  const { study, said } = file;
  return (
    <>
      {whyWords(file.code)}
      {study && (
        <span className="second">
          {t(study.patient_id ? "quarantine.study_of" : "quarantine.study_unlinked")}
          {study.patient_id && <Person whom={ofNamed(study)} name={<PatientLink id={study.patient_id} name={study.patient_name} />} />} <Link to={`/studies/${encodeURIComponent(study.study_instance_uid)}`}>{t("quarantine.given.open")}</Link>
        </span>
      )}
      <details className="small">
        <summary>{t("quarantine.details")}</summary>
        {[said.StudyInstanceUID, said.SeriesInstanceUID, said.SOPInstanceUID].map((uid, at) => uid && <span key={at} className="second uid">{uid}</span>)}
        <span className="second uid">{t("quarantine.node", { node: file.node, file: file.file_name })}</span>
      </details>
    </>
  );
}

function SentBy({ file }: { file: Quarantined }) {
  return (
    <>
      <bdi>{file.sent_by?.replace(/^ae:/, "") ?? t("quarantine.sender.unknown")}</bdi>
      <span className="second">
        {file.door && word("door", file.door)}
        {file.address && ` · ${file.address}`}
      </span>
      <span className="second">
        <Instant iso={file.received_at} />
        {file.times_received > 1 && ` · ${t("quarantine.times", { count: file.times_received, at: formatInstant(file.last_received_at) })}`}
      </span>
    </>
  );
}

function Choices({ file, onAsk }: { file: Quarantined; onAsk: (asked: Asked) => void }) {
  const what = fileTitle(file);
  const owner = file.study?.patient_id ?? null;
  if (file.status !== "waiting") {
    return (
      <>
        <span className={file.status === "given" ? "badge badge-good" : "badge badge-plain"}>{word("quarantine.status", file.status)}</span>
        {file.given && (
          <span className="second">
            {t("quarantine.given_to")}
            <Person whom={ofNamed(file.given)} name={<PatientLink id={file.given.patient_id} name={file.given.patient_name} />} />
            <Link to={`/studies/${encodeURIComponent(file.given.study_instance_uid)}`}>{t("quarantine.given.open")}</Link>
          </span>
        )}
        <span className="second">
          <bdi>{file.decided_by}</bdi>, <Instant iso={file.decided_at} />
        </span>
        <span className="second">{file.reason}</span>
        <button type="button" className="button button-small" aria-label={t("quarantine.reopen.label", { what })} onClick={() => onAsk({ file, what: "reopen" })}>
          {t("quarantine.reopen")}
        </button>
      </>
    );
  }
  return (
    <span className="row-actions">
      {file.can_be_given && owner && (
        <button
          type="button"
          className="button button-small"
          aria-label={t("quarantine.give.owner.label", { what })}
          onClick={() => onAsk({ file, what: "give", to: { patientId: owner, orderId: null } })}
        >
          {t("quarantine.give.owner")}
        </button>
      )}
      {file.can_be_given ? (
        <button type="button" className="button button-small" aria-label={t("quarantine.give.label", { what })} onClick={() => onAsk({ file, what: "pick" })}>
          {t("quarantine.give")}
        </button>
      ) : (
        <span className="second">{t("quarantine.nobody_can")}</span>
      )}
      <button
        type="button"
        className="button button-small button-danger"
        aria-label={t("quarantine.discard.label", { what })}
        onClick={() => onAsk({ file, what: "discard" })}
      >
        {t("quarantine.discard")}
      </button>
    </span>
  );
}
