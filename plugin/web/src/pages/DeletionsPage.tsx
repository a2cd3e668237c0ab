import { useState } from "react";
import { Link } from "react-router-dom";
import { useDeletions, type Deletion } from "../api/deletions";
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
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { Batches } from "../deletions/Batches";
import { ConfirmDecision, Decide, type Asked } from "../deletions/Decide";
import { daysLeft, STATES } from "../deletions/state";
import { t, word } from "../i18n";
import { studyLine } from "../study/words";

const DEFAULTS = { status: "" };

export function DeletionsPage() {
  const mayApprove = useMay("approve_deletion");
  const mayRequest = useMay("request_deletion");
  if (!mayApprove && !mayRequest) {
    return (
      <Page title={t("deletions.title")}>
        <NoPermission permission="approve_deletion" />
      </Page>
    );
  }
  return <Deletions lead={t(mayApprove ? "deletions.lead.all" : "deletions.lead.own")} />;
}

function Deletions({ lead }: { lead: string }) {
  const mayRequest = useMay("request_deletion");
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const status = STATES.find((each) => each === filters.status) ?? "";
  const deletions = useDeletions({ status, offset });
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <Page title={t("deletions.title")} lead={lead} isWide>
      {mayRequest && (
        <p>
          <Link to="/deletions/retention">{t("retention.link")}</Link>
        </p>
      )}
      <Batches />
      <Filters label={t("deletions.filters")}>
        <SelectField
          label={t("deletions.status")}
          value={status}
          options={[{ value: "", label: t("deletions.status.all") }, ...STATES.map((value) => ({ value, label: word("deletion.status", value) }))]}
          onChange={(value) => move({ filters: { status: value } })}
        />
      </Filters>
      <QueryList
        label={t("deletions.list")}
        list={deletions}
        save={{ path: "deletions", query: { status } }}
        columns={columns(setAsked, namesakes((deletions.data?.items ?? []).map(ofNamed)))}
        rowKey={({ id }) => id}
        found={(count) => t("deletions.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={
          <Blank
            icon="trash"
            title={t(status ? "deletions.none.title" : "deletions.empty.title")}
            text={t(status ? "deletions.none.text" : "deletions.empty.text")}
          >
            {status && (
              <button type="button" className="button" onClick={() => move({ filters: DEFAULTS })}>
                {t("deletions.none.action")}
              </button>
            )}
          </Blank>
        }
      />
      {asked && <ConfirmDecision asked={asked} onClose={() => setAsked(null)} />}
    </Page>
  );
}

const columns = (onAsk: (asked: Asked) => void, isNamesake: (whom: Whom) => boolean): Column<Deletion>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (deletion) => <Person whom={ofNamed(deletion)} isNamesake={isNamesake(ofNamed(deletion))} name={<PatientLink id={deletion.patient_id} name={deletion.patient_name} />} />,
  },
  {
    key: "study",
    title: t("column.study"),
    className: "column-wide",
    cell: (deletion) => (
      <>
        {deletion.study_description || t("studies.untitled")}
        <span className="second">{studyLine(deletion)}</span>
      </>
    ),
  },
  {
    key: "why",
    title: t("deletions.why"),
    className: "column-wide",
    cell: (deletion) => (
      <>
        {deletion.reason}
        <span className="second">
          <bdi>{deletion.requested_by}</bdi>, <Instant iso={deletion.requested_at} />
        </span>
      </>
    ),
  },
  { key: "state", title: t("column.status"), className: "column-wide", cell: (deletion) => <State deletion={deletion} /> },
  {
    key: "decide",
    title: t("column.action"),
    silent: true,
    className: "column-action column-decide",
    cell: (deletion) => <Decide deletion={deletion} onAsk={onAsk} />,
  },
];

const tones: Record<Deletion["status"], string> = {
  pending: "warn",
  approved: "bad",
  purging: "bad",
  purged: "plain",
  rejected: "good",
  withdrawn: "good",
  restored: "good",
};

function State({ deletion }: { deletion: Deletion }) {
  const left = daysLeft(deletion, Date.now());
  const by = deletion.restored_by ?? deletion.decided_by;
  const at = deletion.restored_at ?? deletion.decided_at;
  return (
    <>
      <span className={`badge badge-${tones[deletion.status]}`}>{word("deletion.status", deletion.status)}</span>{" "}
      {deletion.on_hold && <span className="badge badge-accent">{t("hold.title")}</span>}
      {left !== null && <span className="second">{t("deletions.left", { days: t("count.days", { count: left }) })}</span>}
      {by && (
        <span className="second">
          <bdi>{by}</bdi>, <Instant iso={at} />
        </span>
      )}
      {deletion.decision_reason && <span className="second">{deletion.decision_reason}</span>}
      {deletion.late_instances > 0 && <span className="second text-warn">{t("deletions.late", { count: deletion.late_instances })}</span>}
    </>
  );
}
