/** For those who guard privacy: which patients only named people may see, and who opened one in an emergency. */
import { useState } from "react";
import { Link } from "react-router-dom";
import { useOpenings, useRelease, useRestrictions, useReview, type Opening, type Restriction } from "../api/privacy";
import { useCurrentUser } from "../auth/permissions";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { FormDialog } from "../components/FormDialog";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { ReasonDialog } from "../components/ReasonDialog";
import { useListPlace } from "../components/useListPlace";
import { Instant, PersonName } from "../components/values";
import { ofNamed } from "../components/whom";
import { formatInstant, formatList, t } from "../i18n";
import { RestrictDialog } from "../privacy/RestrictDialog";

const DEFAULTS = { reviewed: "" };

export function RestrictedPage() {
  return (
    <NeedsPermission permission="privacy" title={t("privacy.title")}>
      <Lists />
    </NeedsPermission>
  );
}

function Lists() {
  return (
    <Page title={t("privacy.title")} lead={t("privacy.lead")}>
      <Openings />
      <Restrictions />
    </Page>
  );
}

function Restrictions() {
  const [offset, setOffset] = useState(0);
  const list = useRestrictions(offset);
  const [changed, setChanged] = useState<Restriction | "new" | null>(null);
  const [released, setReleased] = useState<Restriction | null>(null);
  return (
    <section className="stack" aria-labelledby="restrictions">
      <h2 id="restrictions">{t("privacy.restrictions")}</h2>
      <div className="actions">
        <button type="button" className="button" onClick={() => setChanged("new")}>
          {t("privacy.restrict")}
        </button>
      </div>
      <QueryList
        label={t("privacy.restrictions")}
        list={list}
        columns={restrictionColumns(setChanged, setReleased)}
        rowKey={({ patient_id: id }) => id}
        found={(count) => t("privacy.restrictions.found", { count })}
        offset={offset}
        onMove={setOffset}
        empty={<Blank icon="lock" title={t("privacy.restrictions.empty.title")} text={t("privacy.restrictions.empty.text")} />}
      />
      {changed && <RestrictDialog present={changed === "new" ? null : changed} onClose={() => setChanged(null)} />}
      {released && <Release restriction={released} onClose={() => setReleased(null)} />}
    </section>
  );
}

function Release({ restriction, onClose }: { restriction: Restriction; onClose: () => void }) {
  const release = useRelease();
  return (
    <FormDialog
      title={t("privacy.release.title", { number: restriction.mrn })}
      action={t("privacy.release.action")}
      danger
      busy={release.isPending}
      error={release.error}
      onSubmit={() => release.mutate(restriction.patient_id, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>{t("privacy.release.text")}</p>
    </FormDialog>
  );
}

const restrictionColumns = (onChange: (one: Restriction) => void, onRelease: (one: Restriction) => void): Column<Restriction>[] => [
  { key: "patient", title: t("column.patient"), main: true, cell: (one) => <Patient one={one} /> },
  { key: "staff", title: t("privacy.staff"), className: "column-wide", cell: ({ staff }) => (staff.length === 0 ? t("privacy.staff.none") : <bdi>{formatList(staff)}</bdi>) },
  {
    key: "why",
    title: t("privacy.why"),
    className: "column-wide",
    cell: (one) => (
      <>
        {one.reason}
        <span className="second">
          <bdi>{one.restricted_by}</bdi>, <Instant iso={one.restricted_at} />
        </span>
      </>
    ),
  },
  {
    key: "act",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (one) => (
      <div className="actions">
        <button type="button" className="button button-small" onClick={() => onChange(one)}>
          {t("privacy.change")}
          <span className="visually-hidden"> {one.mrn}</span>
        </button>
        <button type="button" className="button button-small" onClick={() => onRelease(one)}>
          {t("privacy.release")}
          <span className="visually-hidden"> {one.mrn}</span>
        </button>
      </div>
    ),
  },
];

function Openings() {
  const { subject } = useCurrentUser();
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const reviewed = filters.reviewed === "no" ? "no" : "";
  const list = useOpenings(reviewed, offset);
  const [asked, setAsked] = useState<Opening | null>(null);
  return (
    <section className="stack" aria-labelledby="openings">
      <h2 id="openings">{t("privacy.openings")}</h2>
      <Filters label={t("privacy.openings.filters")}>
        <SelectField
          label={t("column.status")}
          value={reviewed}
          options={[
            { value: "", label: t("privacy.openings.all") },
            { value: "no", label: t("privacy.openings.waiting") },
          ]}
          onChange={(value) => move({ filters: { reviewed: value } })}
        />
      </Filters>
      <QueryList
        label={t("privacy.openings")}
        list={list}
        columns={openingColumns(subject, setAsked)}
        rowKey={({ id }) => id}
        found={(count) => t("privacy.openings.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={
          <p className="muted">
            {t("privacy.openings.empty.title")}. {t("privacy.openings.empty.text")}
          </p>
        }
      />
      {asked && <Review opening={asked} onClose={() => setAsked(null)} />}
    </section>
  );
}

function Review({ opening, onClose }: { opening: Opening; onClose: () => void }) {
  const review = useReview();
  return (
    <ReasonDialog
      title={t("privacy.review.title")}
      action={t("privacy.review.action")}
      required={false}
      busy={review.isPending}
      error={review.error}
      onConfirm={(note) => review.mutate({ id: opening.id, note }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>{t("privacy.review.text", { who: opening.subject, number: opening.mrn, reason: opening.reason })}</p>
    </ReasonDialog>
  );
}

const openingColumns = (own: string, onReview: (one: Opening) => void): Column<Opening>[] => [
  {
    key: "who",
    title: t("privacy.who"),
    main: true,
    cell: (one) => (
      <>
        <bdi>{one.subject}</bdi>
        <span className="second">
          <Instant iso={one.opened_at} />
        </span>
      </>
    ),
  },
  { key: "patient", title: t("column.patient"), cell: (one) => <Patient one={one} /> },
  {
    key: "why",
    title: t("privacy.why"),
    className: "column-wide",
    cell: (one) => (
      <>
        {one.reason}
        <span className="second">{t("privacy.until", { when: formatInstant(one.expires_at) })}</span>
      </>
    ),
  },
  {
    key: "review",
    title: t("column.status"),
    className: "column-wide",
    cell: (one) =>
      one.reviewed_at ? (
        <>
          {one.review_note ?? t("privacy.reviewed")}
          <span className="second">
            <bdi>{one.reviewed_by}</bdi>, <Instant iso={one.reviewed_at} />
          </span>
        </>
      ) : (
        <span className="badge badge-warn">{t("privacy.waiting")}</span>
      ),
  },
  {
    key: "act",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (one) =>
      !one.reviewed_at &&
      one.subject !== own && (
        <button type="button" className="button button-small" onClick={() => onReview(one)}>
          {t("privacy.review")}
          <span className="visually-hidden"> {`${one.subject}, ${one.mrn}`}</span>
        </button>
      ),
  },
];

/** By name for who may see them; else the number, which who guards privacy needs. */
function Patient({ one: { patient_id: id, mrn, patient } }: { one: Restriction | Opening }) {
  const to = `/patients/${encodeURIComponent(id)}`;
  if (!patient) {
    return (
      <Link to={to}>
        <bdi>{mrn}</bdi>
      </Link>
    );
  }
  const whom = ofNamed(patient);
  return (
    <Person
      whom={whom}
      name={
        <Link to={to}>
          <PersonName name={whom.name} />
        </Link>
      }
    />
  );
}
