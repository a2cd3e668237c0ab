import { useRef, useState } from "react";
import { useCorrectOrder, usePlaceOrder } from "../api/desk";
import type { Order } from "../api/types";
import { MomentField } from "../components/DateField";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { Icon } from "../components/Icon";
import { TextField } from "../components/TextField";
import { NameFields } from "../corrections/NameFields";
import { useSay } from "../components/Toast";
import { t, word } from "../i18n";
import { faultText } from "./faultWords";
import { useLoadAgainAndClose } from "./loadAgain";
import { ReasonField } from "./ReasonField";
import { StationField } from "./StationField";
import { isChanged, keptOf, MODALITIES, NO_ORDER, NO_STEP, orderBody, orderFaults, PRIORITIES, typedOrder, type Fault, type TypedOrder, type TypedStep } from "./typed";

interface Props {
  /** null: a new one. */
  order: Order | null;
  patientId: string;
  onDone: (order: Order) => void;
  onClose: () => void;
}

const MOST_STEPS = 20;

/** A new order of a patient, or the data of one that is there. */
export function OrderDialog({ order: now, patientId, onDone, onClose }: Props) {
  // As it was when the dialog was opened: what is typed must not vanish because an image comes.
  const [order] = useState(now);
  const place = usePlaceOrder();
  const correct = useCorrectOrder();
  const say = useSay();
  const loadAgain = useLoadAgainAndClose(onClose);
  const form = useRef<HTMLDivElement>(null);
  const before = order ? typedOrder(order) : NO_ORDER;
  const [typed, setTyped] = useState<TypedOrder>(before);
  const [isTried, setTried] = useState(false);
  const needsReason = order !== null && !order.registered_here && isChanged(typed, before);
  const faults = isTried ? orderFaults(typed, { needsReason }) : {};
  const error = place.error ?? correct.error;
  const set = (field: keyof TypedOrder) => (value: string) => setTyped({ ...typed, [field]: value });
  const text = (field: keyof TypedOrder) => faultText(faults[field], error, field);
  const done = (saved: Order) => {
    say({ text: t(order ? "desk.order.corrected" : "desk.order.placed", { accession: saved.accession_number }) });
    onDone(saved);
  };
  const submit = () => {
    setTried(true);
    if (Object.keys(orderFaults(typed, { needsReason })).length > 0) {
      window.setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    if (order) correct.mutate({ seen: order, body: orderBody(typed, patientId, keptOf(order)) }, { onSuccess: done });
    else place.mutate(orderBody(typed, patientId), { onSuccess: done });
  };
  return (
    <FormDialog
      title={order ? t("desk.order.correct.title", { accession: order.accession_number }) : t("desk.order.new")}
      action={t(order ? "action.save" : "desk.order.place")}
      wide
      busy={place.isPending || correct.isPending}
      error={error}
      onLoadAgain={loadAgain}
      onSubmit={submit}
      onClose={onClose}
    >
      <div ref={form} className="stack">
        <TextField label={t("order.description")} value={typed.description} onChange={set("description")} problem={text("description")} />
        <Steps steps={typed.steps} onChange={(steps) => setTyped({ ...typed, steps })} fault={faults.steps} />
        <div className="desk-fields">
          <SelectField label={t("order.priority")} value={typed.priority} options={PRIORITIES.map((value) => ({ value, label: word("order.priority", value.toLowerCase()) }))} onChange={set("priority")} />
          <TextField label={t("order.body_part")} value={typed.body_part} onChange={set("body_part")} maxLength={16} hint={t("desk.order.body_part.hint")} problem={text("body_part")} />
          <SelectField
            label={t("field.laterality")}
            value={typed.laterality}
            options={[{ value: "", label: t("correction.not_said") }, ...(["L", "R", "B"] as const).map((value) => ({ value, label: word("order.laterality", value) }))]}
            onChange={(laterality) => setTyped({ ...typed, laterality: laterality as TypedOrder["laterality"] })}
          />
        </div>
        <NameFields legend={t("order.ordered_by")} value={typed.ordered_by} onChange={set("ordered_by")} />
        {text("ordered_by") && <p className="small text-bad">{text("ordered_by")}</p>}
        {order && !order.registered_here && <ReasonField value={typed.reason} onChange={set("reason")} isRequired={needsReason} problem={text("reason")} />}
      </div>
    </FormDialog>
  );
}

interface StepsProps {
  steps: readonly TypedStep[];
  onChange: (steps: readonly TypedStep[]) => void;
  fault: Fault | undefined;
}

/** What is done of the order, by which device and when; most orders are one step. */
function Steps({ steps, onChange, fault }: StepsProps) {
  const change = (at: number, next: Partial<TypedStep>) => onChange(steps.map((step, each) => (each === at ? { ...step, ...next } : step)));
  return (
    <div className="stack-small">
      {steps.map((step, at) => (
        <fieldset key={at} className="desk-step">
          <legend className={steps.length > 1 ? undefined : "visually-hidden"}>{t("desk.order.step", { number: at + 1 })}</legend>
          <SelectField
            label={t("order.modality")}
            value={step.modality}
            options={[{ value: "", label: t("desk.order.modality.choose") }, ...modalities(step.modality).map((each) => ({ value: each, label: each }))]}
            onChange={(modality) => change(at, { modality })}
            problem={fault === "step" && !step.modality ? t("desk.fault.step") : null}
          />
          <StationField value={step.station} onChange={(station) => change(at, { station })} />
          <MomentField label={t("order.scheduled_at")} value={step.at} onChange={(moment) => change(at, { at: moment })} />
          {steps.length > 1 && (
            <>
              <TextField label={t("order.scheduled_procedure_step_id")} value={step.id} onChange={(next) => change(at, { id: next })} maxLength={16} problem={fault === "same_step" ? t("desk.fault.same_step") : null} />
              {at > 0 && (
                <button type="button" className="button button-small" aria-label={t("desk.order.step.remove.label", { number: at + 1 })} onClick={() => onChange(steps.filter((_, each) => each !== at))}>
                  {t("desk.order.step.remove")}
                </button>
              )}
            </>
          )}
        </fieldset>
      ))}
      {steps.length < MOST_STEPS && (
        <p>
          <button type="button" className="button button-small" onClick={() => onChange([...steps, { ...NO_STEP, modality: steps[steps.length - 1]?.modality ?? "" }])}>
            <Icon name="plus" />
            {t("desk.order.step.add")}
          </button>
        </p>
      )}
    </div>
  );
}

/** With what the order says itself, even where the list has no such thing. */
function modalities(said: string): readonly string[] {
  return said && !(MODALITIES as readonly string[]).includes(said) ? [...MODALITIES, said] : MODALITIES;
}
