import { useCallback, useState } from "react";
import { rangeOf } from "../api/dayRange";
import { useMessages, useSources, type Message } from "../api/interfaces";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { DateField } from "../components/DateField";
import { SearchField, SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant } from "../components/values";
import { formatInstant, t, word } from "../i18n";
import { MessageDialog } from "../interfaces/MessageDialog";
import { Outcome } from "../interfaces/Outcome";
import { TrialDialog } from "../interfaces/TrialDialog";

const ALL = "all";
const DEFAULTS = { state: "", source: ALL, type: "", from: "", to: "" };
const STATES = ["applied", "ignored", "refused"] as const;
const TYPES = ["ADT", "ORM", "OMI", "OMG", "SIU"] as const;

export function InterfacesPage() {
  return (
    <NeedsPermission permission="interfaces" title={t("interfaces.title")}>
      <Interfaces />
    </NeedsPermission>
  );
}

function Interfaces() {
  const [{ texts, filters, offset }, move] = useListPlace(DEFAULTS);
  const { number = "" } = texts;
  const state = STATES.find((each) => each === filters.state) ?? "";
  const type = TYPES.find((each) => each === filters.type) ?? "";
  const range = rangeOf(filters.from, filters.to);
  const sources = useSources().data?.items ?? [];
  const asked = { state, type, control_id: number, ...range, ...(filters.source === ALL ? {} : { source: filters.source }) };
  const messages = useMessages({ ...asked, offset });
  const search = useCallback((text: string) => move({ texts: { number: text } }), [move]);
  const [opened, setOpened] = useState<Message | null>(null);
  const [isTrying, setTrying] = useState(false);
  const isNarrow = [number, state, type, range.from, range.to].some(Boolean) || filters.source !== ALL;
  return (
    <Page title={t("interfaces.title")} lead={t("interfaces.lead")} isWide>
      <p>
        <button type="button" className="button" onClick={() => setTrying(true)}>
          {t("interfaces.try")}
        </button>
      </p>
      <Sources sources={sources} />
      <Filters
        label={t("interfaces.filters")}
        asked={[type, filters.source === ALL ? "" : "asked", range.from, range.to]}
        folding={
          <>
            {sources.length > 0 && (
              <SelectField
                label={t("interfaces.source")}
                value={filters.source}
                options={[{ value: ALL, label: t("interfaces.source.all") }, ...sources.map(({ name }) => ({ value: name, label: name }))]}
                onChange={(value) => move({ filters: { source: value } })}
              />
            )}
            <SelectField
              label={t("interfaces.type")}
              value={type}
              options={[{ value: "", label: t("interfaces.type.all") }, ...TYPES.map((value) => ({ value, label: value }))]}
              onChange={(value) => move({ filters: { type: value } })}
            />
            <DateField label={t("interfaces.from")} value={filters.from} onChange={(value) => move({ filters: { from: value } })} />
            <DateField label={t("interfaces.to")} value={filters.to} onChange={(value) => move({ filters: { to: value } })} />
          </>
        }
      >
        <SelectField
          label={t("interfaces.state")}
          value={state}
          options={[{ value: "", label: t("interfaces.state.all") }, ...STATES.map((value) => ({ value, label: word("interfaces.state", value) }))]}
          onChange={(value) => move({ filters: { state: value } })}
        />
        <SearchField label={t("interfaces.control_id")} hint={t("interfaces.control_id.hint")} value={number} onChange={search} />
      </Filters>
      <QueryList
        label={t("interfaces.list")}
        list={messages}
        save={{ path: "hl7/messages", query: asked }}
        columns={columns(setOpened)}
        rowKey={({ id }) => id}
        found={(count) => t("interfaces.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={
          <Blank
            icon="compare"
            title={t(isNarrow ? "interfaces.none.title" : "interfaces.empty.title")}
            text={t(isNarrow ? "interfaces.none.text" : "interfaces.empty.text")}
          >
            {isNarrow && (
              <button type="button" className="button" onClick={() => move({ texts: { number: "" }, filters: DEFAULTS })}>
                {t("interfaces.none.action")}
              </button>
            )}
          </Blank>
        }
      />
      {opened && <MessageDialog id={opened.id} number={opened.control_id} onClose={() => setOpened(null)} />}
      {isTrying && <TrialDialog onClose={() => setTrying(false)} />}
    </Page>
  );
}

/** When each configured system was last heard. */
function Sources({ sources }: { sources: readonly { name: string; last_received_at: string | null; is_silent: boolean }[] }) {
  if (sources.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="sources-title">
      <h2 id="sources-title">{t("interfaces.sources")}</h2>
      <ul className="checks">
        {sources.map(({ name, last_received_at: at, is_silent: isSilent }) => (
          <li key={name}>
            <span>
              <bdi>{name}</bdi> {isSilent && <span className="badge badge-bad">{t("interfaces.sources.silent")}</span>}
              <span className="second">{at ? t("interfaces.sources.last", { at: formatInstant(at) }) : t("interfaces.sources.never")}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const columns = (onOpen: (message: Message) => void): Column<Message>[] => [
  {
    key: "message",
    title: t("interfaces.column.message"),
    main: true,
    cell: (message) => (
      <>
        {message.type || "?"} <bdi className="mono">{message.control_id}</bdi>{" "}
        {message.reuses_control_id && <span className="badge badge-plain">{t("interfaces.reused")}</span>}
        <span className="second">
          <Instant iso={message.received_at} />
          {message.times_received > 1 && ` · ${t("interfaces.times", { count: message.times_received, at: formatInstant(message.last_received_at) })}`}
        </span>
      </>
    ),
  },
  {
    key: "sender",
    title: t("interfaces.column.sender"),
    className: "column-who",
    cell: (message) => (
      <>
        <bdi>{message.source || message.sender || t("interfaces.source.unlisted")}</bdi>
        <span className="second">{word("interfaces.door", message.door)}</span>
      </>
    ),
  },
  {
    key: "outcome",
    title: t("interfaces.column.outcome"),
    className: "column-wide",
    cell: (message) => (
      <>
        <Outcome of={message} />
        {message.replayed_by && message.replayed_at && (
          <span className="second">{t("interfaces.replayed", { by: message.replayed_by, at: formatInstant(message.replayed_at) })}</span>
        )}
      </>
    ),
  },
  {
    key: "open",
    title: t("interfaces.column.open"),
    silent: true,
    className: "column-action",
    cell: (message) => (
      <button type="button" className="button button-small" aria-label={t("interfaces.open.label", { number: message.control_id })} onClick={() => onOpen(message)}>
        {t("interfaces.open")}
      </button>
    ),
  },
];
