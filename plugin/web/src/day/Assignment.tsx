/** Who does the examination of an order, and whatever can be done about that. */
import { useId, useState } from "react";
import { useAssign, usePeople } from "../api/day";
import { ApiError } from "../api/errors";
import type { Order, OrderRow } from "../api/types";
import { useCurrentUser } from "../auth/permissions";
import { BusyButton } from "../components/BusyButton";
import { describe } from "../components/ErrorState";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { formatInstant, known, t } from "../i18n";
import { personName } from "../i18n/person";
import { isMine, mayAssign, mayTake } from "./assigning";
import { useRowTab } from "./row";

/** In a row of the list: one press takes it, where it is free and the caller does examinations. */
export function TakeButton({ order }: { order: OrderRow }) {
  const { permissions } = useCurrentUser();
  return mayTake(order, permissions) ? <Take order={order} /> : null;
}

function Take({ order }: { order: OrderRow }) {
  const assign = useAssign(order.id);
  const say = useSay();
  const tab = useRowTab();
  const patient = personName(order.patient_name) || t("patient.unknown");
  return (
    <button
      type="button"
      tabIndex={tab}
      className="button button-small"
      aria-label={t("assign.take.label", { patient, accession: order.accession_number })}
      aria-disabled={assign.isPending}
      onClick={() =>
        !assign.isPending &&
        assign.mutate(
          { to: null, takeOver: false },
          // Somebody was faster: the list is asked for again, and shows who.
          { onSuccess: () => say({ text: t("assign.taken") }), onError: (error) => say({ bad: true, text: saidOf(error) }) },
        )
      }
    >
      {t("assign.take")}
    </button>
  );
}

function saidOf(error: Error): string {
  return (error instanceof ApiError ? known("problem", error.code) : null) ?? describe(error).text;
}

/** On the order's page; nothing where nobody does it and the caller may not change that. */
export function Assignment({ order }: { order: Order }) {
  const { permissions, subject } = useCurrentUser();
  const assign = useAssign(order.id);
  const say = useSay();
  const [isAsking, ask] = useState(false);
  const id = useId();
  const may = mayAssign(order, permissions);
  if (!may && !order.assigned_to) return null;
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{t("assign.title")}</h2>
      <div className="stack">
        <p>
          {order.assigned_name
            ? t("assign.since", { name: order.assigned_name, when: order.assigned_at ? formatInstant(order.assigned_at) : "" })
            : t("assign.nobody")}
        </p>
        {may && (
          <div className="actions">
            {mayTake(order, permissions) && (
              <BusyButton busy={assign.isPending} onPress={() => assign.mutate({ to: null, takeOver: false }, { onSuccess: () => say({ text: t("assign.taken") }) })}>
                {t("assign.take.here")}
              </BusyButton>
            )}
            <button type="button" className="button" onClick={() => ask(true)}>
              {t("assign.other")}
            </button>
            {isMine(order, subject) && (
              <BusyButton busy={assign.isPending} onPress={() => assign.mutate(null, { onSuccess: () => say({ text: t("assign.given_back") }) })}>
                {t("assign.give_back")}
              </BusyButton>
            )}
          </div>
        )}
        {!isAsking && <Problem error={assign.error} />}
        {isAsking && <AssignDialog order={order} onClose={() => ask(false)} />}
      </div>
    </section>
  );
}

const NOBODY = "";

function AssignDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const assign = useAssign(order.id);
  const me = useCurrentUser();
  const say = useSay();
  const people = usePeople(true);
  const [to, setTo] = useState<string | null>(null);
  const [isMissing, setMissing] = useState(false);
  const others = people.filter(({ subject }) => subject !== order.assigned_to);
  const options = [
    { value: "-", label: t("assign.other.choose") },
    ...others.map(({ subject, name }) => ({ value: `=${subject}`, label: subject === me.subject ? `${name} (${t("assign.me")})` : name })),
    ...(order.assigned_to ? [{ value: NOBODY, label: t("assign.free") }] : []),
  ];
  const submit = () => {
    setMissing(to === null);
    if (to === null) return;
    const name = others.find(({ subject }) => `=${subject}` === to)?.name ?? "";
    assign.mutate(to === NOBODY ? null : { to: to.slice(1), takeOver: Boolean(order.assigned_to) }, {
      onSuccess: () => {
        say({ text: to === NOBODY ? t("assign.given_back") : t("assign.given", { name }) });
        onClose();
      },
    });
  };
  return (
    <FormDialog
      title={t("assign.other.title", { accession: order.accession_number })}
      action={t("assign.other.action")}
      busy={assign.isPending}
      error={assign.error}
      onSubmit={submit}
      onClose={onClose}
    >
      {order.assigned_name && <p>{t("assign.other.from", { name: order.assigned_name })}</p>}
      {options.length === 1 && <p className="muted">{t("assign.other.none")}</p>}
      <SelectField
        label={t("assign.other.who")}
        value={to ?? "-"}
        options={options}
        problem={isMissing ? t("assign.other.missing") : null}
        onChange={(value) => setTo(value === "-" ? null : value)}
      />
    </FormDialog>
  );
}
