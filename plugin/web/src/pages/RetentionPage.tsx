import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { askAgain } from "../api/changed";
import { useProposals, useRequestBatch, type Done, type Proposals, type Proposed, type Rules } from "../api/retention";
import { usePlaceHold } from "../api/study";
import { BackLink } from "../components/BackLink";
import { Blank } from "../components/Blank";
import { DataList, ListSkeleton, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { PatientLink } from "../components/PatientLink";
import { Person } from "../components/Person";
import { ReasonDialog } from "../components/ReasonDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { useListPlace } from "../components/useListPlace";
import { modalitiesOf, OrNone } from "../components/values";
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { LeftOut } from "../deletions/LeftOut";
import { t } from "../i18n";
import { AskedStudy } from "../study/AskedStudy";
import { studyLine, studyTitle } from "../study/words";

const DEFAULTS = { rules: "", age: "28" };

export function RetentionPage() {
  return (
    <NeedsPermission permission="request_deletion" title={t("retention.title")}>
      <Retention />
    </NeedsPermission>
  );
}

function Retention() {
  const [{ filters }, move] = useListPlace(DEFAULTS);
  const rules = { rules: filters.rules, least_age: /^\d{1,3}$/.test(filters.age) ? filters.age : DEFAULTS.age };
  const found = useProposals(rules);
  return (
    <Page
      title={t("retention.title")}
      lead={t("retention.lead")}
      isWide
      above={<BackLink to="/deletions">{t("retention.back")}</BackLink>}
    >
      <RulesForm key={`${rules.rules}|${rules.least_age}`} rules={rules} onChange={({ rules: to, least_age: age }) => move({ filters: { rules: to, age } })} />
      {rules.rules === "" ? (
        <Blank icon="trash" title={t("retention.ask.title")} text={t("retention.ask.text")} />
      ) : found.isError ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data ? (
        <Found found={found.data} rules={rules} busy={found.isPlaceholderData} />
      ) : (
        <ListSkeleton label={t("app.loading")} />
      )}
    </Page>
  );
}

function RulesForm({ rules, onChange }: { rules: Rules; onChange: (rules: Rules) => void }) {
  const [said, setSaid] = useState(rules);
  return (
    <form
      className="panel stack"
      aria-label={t("retention.form")}
      onSubmit={(event) => {
        event.preventDefault();
        onChange({ rules: said.rules.trim(), least_age: said.least_age.trim() });
      }}
    >
      <TextField label={t("retention.rules")} hint={t("retention.rules.hint")} maxLength={90} value={said.rules} onChange={(value) => setSaid({ ...said, rules: value })} />
      <TextField label={t("retention.age")} hint={t("retention.age.hint")} maxLength={3} value={said.least_age} onChange={(value) => setSaid({ ...said, least_age: value })} />
      <div className="actions">
        <button type="submit" className="button button-primary">
          {t("retention.show")}
        </button>
      </div>
    </form>
  );
}

export function Found({ found, rules, busy }: { found: Proposals; rules: Rules; busy: boolean }) {
  /** As they were listed when the button was pressed: the list is read again behind the open dialog. */
  const [asked, setAsked] = useState<{ found: Proposals; rules: Rules } | null>(null);
  const [kept, setKept] = useState<Proposed | null>(null);
  const [done, setDone] = useState<Done>();
  const isNamesake = namesakes(found.studies.map(ofNamed));
  return (
    <>
      <p className="list-said muted" role="status">
        {t(found.is_all === false ? "retention.more" : "retention.found", { count: found.number_of_studies ?? 0 })}
      </p>
      <LeftOut done={done} />
      {found.studies.length === 0 ? (
        <Blank icon="trash" title={t("retention.none.title")} text={t("retention.none.text")} />
      ) : (
        <>
          <h2>{t("retention.counts")}</h2>
          <DataList label={t("retention.counts")} columns={YEARS()} rows={found.counts} rowKey={({ year, modalities }) => `${year} ${modalities.join()}`} busy={busy} />
          <h2>{t("retention.list")}</h2>
          <div className="actions">
            <button type="button" className="button button-danger" aria-disabled={busy} onClick={() => !busy && setAsked({ found, rules })}>
              {t("retention.request", { count: found.studies.length })}
            </button>
          </div>
          <DataList label={t("retention.list")} columns={studyColumns(setKept, isNamesake)} rows={found.studies} rowKey={(study) => study.study_instance_uid} busy={busy} />
        </>
      )}
      {asked && <RequestDialog {...asked} onDone={setDone} onClose={() => setAsked(null)} />}
      {kept && <KeepDialog study={kept} onClose={() => setKept(null)} />}
    </>
  );
}

const YEARS = (): Column<Proposals["counts"][number]>[] => [
  { key: "year", title: t("retention.year"), main: true, cell: ({ year }) => String(year) },
  { key: "modality", title: t("column.modality"), cell: ({ modalities }) => <OrNone>{modalitiesOf(modalities)}</OrNone> },
  { key: "studies", title: t("retention.studies"), className: "number", cell: ({ number_of_studies: count }) => count },
  { key: "images", title: t("retention.images"), className: "number", cell: ({ number_of_instances: count }) => count },
];

const studyColumns = (onKeep: (study: Proposed) => void, isNamesake: (whom: Whom) => boolean): Column<Proposed>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (study) => <Person whom={ofNamed(study)} isNamesake={isNamesake(ofNamed(study))} name={<PatientLink id={study.patient_id} name={study.patient_name} />} />,
  },
  {
    key: "study",
    title: t("column.study"),
    className: "column-wide",
    cell: (study) => (
      <>
        <Link to={`/studies/${encodeURIComponent(study.study_instance_uid)}`}>{study.study_description || t("studies.untitled")}</Link>
        <span className="second">{studyLine(study)}</span>
      </>
    ),
  },
  {
    key: "keep",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (study) => (
      <button type="button" className="button button-small" aria-label={t("retention.keep.label", { what: studyTitle(study) })} onClick={() => onKeep(study)}>
        {t("retention.keep")}
      </button>
    ),
  },
];

function RequestDialog({ found, rules, onDone, onClose }: { found: Proposals; rules: Rules; onDone: (done: Done) => void; onClose: () => void }) {
  const request = useRequestBatch();
  const say = useSay();
  const studies = found.studies.map((study) => study.study_instance_uid);
  return (
    <ReasonDialog
      title={t("retention.request.title")}
      action={t("retention.request", { count: studies.length })}
      danger
      maxLength={150}
      busy={request.isPending}
      error={request.error}
      onClose={onClose}
      onConfirm={(reason) =>
        request.mutate(
          { ...rules, seen_at: found.read_at, studies, reason },
          {
            onSuccess: (done) => {
              say({ text: t("retention.requested", { count: done.number_of_studies }) });
              onDone(done);
              onClose();
            },
          },
        )
      }
    >
      <p>{t("retention.request.text", { count: studies.length })}</p>
    </ReasonDialog>
  );
}

function KeepDialog({ study, onClose }: { study: Proposed; onClose: () => void }) {
  const place = usePlaceHold(study.study_instance_uid);
  const client = useQueryClient();
  const say = useSay();
  return (
    <ReasonDialog
      title={t("retention.keep.title")}
      action={t("retention.keep")}
      busy={place.isPending}
      error={place.error}
      onClose={onClose}
      onConfirm={(reason) =>
        place.mutate(reason, {
          onSuccess: () => {
            say({ text: t("retention.kept") });
            askAgain(client, "deletion");
            onClose();
          },
        })
      }
    >
      <AskedStudy study={study} />
      <p>{t("retention.keep.text")}</p>
    </ReasonDialog>
  );
}
