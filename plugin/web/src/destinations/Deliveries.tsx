import { useState } from "react";
import { rangeOf } from "../api/dayRange";
import { useDeliveries, useDrop, useResend, useResendSince, type Delivery } from "../api/destinations";
import { Blank } from "../components/Blank";
import { BusyButton } from "../components/BusyButton";
import type { Column } from "../components/DataList";
import { DateField } from "../components/DateField";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { Problem } from "../components/Problem";
import { QueryList } from "../components/QueryList";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { Instant } from "../components/values";
import { t, word } from "../i18n";
import { DeliveryDialog } from "./DeliveryDialog";

const STATES = ["pending", "sent", "parked", "dead", "dropped"] as const;

interface Props {
  name: string;
  state: string;
  offset: number;
  onState: (state: string) => void;
  onMove: (offset: number) => void;
  onClose: () => void;
}

/** What became of each event on its way to one destination. */
export function Deliveries({ name, state, offset, onState, onMove, onClose }: Props) {
  const list = useDeliveries(name, state, offset);
  const [opened, setOpened] = useState<number | null>(null);
  const [isResending, setResending] = useState(false);
  return (
    <section className="panel" aria-labelledby="deliveries-title">
      <h2 id="deliveries-title">{t("deliveries.title", { name })}</h2>
      <div className="actions">
        <SelectField
          label={t("deliveries.state")}
          value={state}
          options={[{ value: "", label: t("deliveries.state.all") }, ...STATES.map((value) => ({ value, label: word("deliveries.state", value) }))]}
          onChange={onState}
        />
        <button type="button" className="button" onClick={() => setResending(true)}>
          {t("deliveries.resend_since")}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {t("interfaces.close")}
        </button>
      </div>
      <QueryList
        label={t("deliveries.title", { name })}
        list={list}
        save={{ path: `destinations/${encodeURIComponent(name)}/deliveries`, query: { state } }}
        columns={columns(setOpened)}
        rowKey={({ id }) => String(id)}
        found={(count) => t("deliveries.found", { count })}
        offset={offset}
        onMove={onMove}
        empty={<Blank icon="inbox" title={t("deliveries.empty.title")} text={t("deliveries.empty.text")} />}
      />
      {opened !== null && <DeliveryDialog id={opened} onClose={() => setOpened(null)} />}
      {isResending && <ResendDialog name={name} onClose={() => setResending(false)} />}
    </section>
  );
}

function ResendDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const resend = useResendSince();
  const say = useSay();
  const [day, setDay] = useState("");
  const [isTried, setTried] = useState(false);
  const since = rangeOf(day, "").from;
  const submit = () => {
    setTried(true);
    if (!since) return;
    resend.mutate(
      { name, since },
      {
        onSuccess: ({ count }) => {
          say({ text: t("deliveries.resent", { count }) });
          onClose();
        },
      },
    );
  };
  return (
    <FormDialog title={t("deliveries.resend_since")} action={t("deliveries.resend")} busy={resend.isPending} error={resend.error} onSubmit={submit} onClose={onClose}>
      <p>{t("deliveries.resend_since.text")}</p>
      <DateField label={t("deliveries.since")} value={day} onChange={setDay} />
      {isTried && !since && <p className="small text-bad">{t("deliveries.since.missing")}</p>}
    </FormDialog>
  );
}

const columns = (onOpen: (id: number) => void): Column<Delivery>[] => [
  {
    key: "event",
    title: t("deliveries.event"),
    main: true,
    cell: (one) => (
      <>
        {word("destinations.event", one.type)}
        <span className="second">
          <Instant iso={one.time} />
        </span>
      </>
    ),
  },
  {
    key: "state",
    title: t("deliveries.state"),
    className: "column-wide",
    cell: (one) => (
      <>
        <span className={one.state === "sent" ? "badge badge-good" : one.state === "parked" || one.state === "dead" ? "badge badge-bad" : "badge badge-plain"}>{word("deliveries.state", one.state)}</span>
        {one.state !== "sent" && one.last_error && (
          <span className="second">
            <bdi>{one.last_error}</bdi>
          </span>
        )}
        {one.drop_reason && <span className="second">{one.dropped_by ? t("deliveries.dropped_by", { by: one.dropped_by, reason: one.drop_reason }) : word("deliveries.why", one.drop_reason)}</span>}
      </>
    ),
  },
  { key: "action", title: t("column.action"), silent: true, className: "column-action", cell: (one) => <DeliveryActions delivery={one} onOpen={() => onOpen(one.id)} /> },
];

function DeliveryActions({ delivery, onOpen }: { delivery: Delivery; onOpen: () => void }) {
  const resend = useResend();
  const drop = useDrop();
  const [isDropping, setDropping] = useState(false);
  const { id, state } = delivery;
  const what = { what: word("destinations.event", delivery.type) };
  return (
    <>
      <span className="row-actions">
        <button type="button" className="button button-small" aria-label={t("deliveries.open.label", what)} onClick={onOpen}>
          {t("deliveries.open")}
        </button>
        {state !== "pending" && (
          <BusyButton className="button button-small" aria-label={t("deliveries.resend.label", what)} busy={resend.isPending} onPress={() => resend.mutate(id)}>
            {t("deliveries.resend")}
          </BusyButton>
        )}
        {state !== "sent" && state !== "dropped" && (
          <button type="button" className="button button-small" aria-label={t("deliveries.drop.label", what)} onClick={() => setDropping(true)}>
            {t("deliveries.drop")}
          </button>
        )}
      </span>
      <Problem error={resend.error} />
      {isDropping && (
        <ReasonDialog title={t("deliveries.drop.title")} action={t("deliveries.drop")} danger maxLength={500} busy={drop.isPending} error={drop.error} onClose={() => setDropping(false)} onConfirm={(reason) => drop.mutate({ id, reason }, { onSuccess: () => setDropping(false) })}>
          <p>{t("deliveries.drop.text")}</p>
        </ReasonDialog>
      )}
    </>
  );
}
