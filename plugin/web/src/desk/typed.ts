/** What people type of a patient or an order, and what cannot be right about it; the server decides for itself. Pure. */
import type { OrderBody, PatientBody } from "../api/desk";
import { ApiError } from "../api/errors";
import type { Order, Patient } from "../api/types";
import { fieldMessage } from "../i18n/fieldMessage";

export const SEXES = ["female", "male", "other", "unknown"] as const;
export type Sex = (typeof SEXES)[number];
export const MODALITIES = ["CR", "DX", "CT", "MR", "US", "XA", "RF", "MG", "NM", "PT", "IO", "PX", "ES", "ECG", "OT"] as const;
export const PRIORITIES = ["ROUTINE", "HIGH", "STAT", "MEDIUM", "LOW"] as const;
export const OLDEST = 130;

export interface TypedPatient {
  family_name: string;
  given_name: string;
  middle_name: string;
  prefix: string;
  suffix: string;
  /** YYYY-MM-DD, or "". */
  birth_date: string;
  sex: Sex;
  issuer: string;
  reason: string;
}

export interface TypedStep {
  id: string;
  modality: string;
  station: string;
  /** As `datetime-local` writes it, by this computer's clock; "" for none. */
  at: string;
  /** The moment that was there, which may have seconds. */
  exact: string | null;
}

export interface TypedOrder {
  description: string;
  ordered_by: string;
  body_part: string;
  laterality: "" | "L" | "R" | "B";
  priority: string;
  /** At least one. */
  steps: readonly TypedStep[];
  reason: string;
}

export type Fault = "missing" | "future" | "long_ago" | "comma" | "age" | "step" | "same_step" | "reason";
export type Faults<Typed> = Partial<Record<keyof Typed, Fault>>;

export const NOBODY: TypedPatient = { family_name: "", given_name: "", middle_name: "", prefix: "", suffix: "", birth_date: "", sex: "unknown", issuer: "", reason: "" };
export const NO_STEP: TypedStep = { id: "", modality: "", station: "", at: "", exact: null };
export const NO_ORDER: TypedOrder = { description: "", ordered_by: "", body_part: "", laterality: "", priority: "ROUTINE", steps: [NO_STEP], reason: "" };

/** A patient as a form shows one; a name that was given here is nothing to begin with. */
export function typedPatient(patient: Patient): TypedPatient {
  const said = patient.is_unidentified ? { family_name: "", given_name: "" } : patient;
  return {
    family_name: said.family_name ?? "",
    given_name: said.given_name ?? "",
    middle_name: patient.middle_name ?? "",
    prefix: patient.prefix ?? "",
    suffix: patient.suffix ?? "",
    birth_date: patient.birth_date ?? "",
    sex: patient.sex,
    issuer: patient.issuer ?? "",
    reason: "",
  };
}

const yearOf = (day: string) => Number(day.slice(0, 4));

const COMMA = /[,，、]/;

/** `today` is a day as a date field writes it. */
export function patientFaults(typed: TypedPatient, today: string, { needsReason = false } = {}): Faults<TypedPatient> {
  const faults: Faults<TypedPatient> = {};
  if (!typed.family_name.trim()) faults.family_name = "missing";
  for (const part of ["family_name", "given_name", "middle_name"] as const) if (COMMA.test(typed[part])) faults[part] = "comma";
  if (typed.birth_date > today) faults.birth_date = "future";
  else if (typed.birth_date && yearOf(today) - yearOf(typed.birth_date) > OLDEST) faults.birth_date = "long_ago";
  if (needsReason && !typed.reason.trim()) faults.reason = "reason";
  return faults;
}

export function patientBody(typed: TypedPatient): PatientBody {
  const { sex, ...texts } = typed;
  return { ...blanksAsNull(texts), sex, as_of: null };
}

/** Whether anything but the reason differs from what was there. */
export function isChanged<Typed extends { reason: string }>(typed: Typed, before: Typed): boolean {
  return JSON.stringify({ ...typed, reason: "" }) !== JSON.stringify({ ...before, reason: "" });
}

export function typedOrder(order: Order): TypedOrder {
  const first = { scheduled_procedure_step_id: order.scheduled_procedure_step_id, modality: order.modality, station_ae_title: order.station_ae_title, scheduled_at: order.scheduled_at };
  const steps = [first, ...order.further_steps].map((step) => ({
    // The accession number stands for what has no id of its own.
    id: step.scheduled_procedure_step_id === order.accession_number ? "" : step.scheduled_procedure_step_id,
    modality: step.modality,
    station: step.station_ae_title ?? "",
    at: localOf(step.scheduled_at),
    exact: step.scheduled_at,
  }));
  return {
    description: order.description,
    ordered_by: order.ordered_by ?? "",
    body_part: order.body_part ?? "",
    laterality: order.laterality ?? "",
    priority: order.priority ?? "ROUTINE",
    steps,
    reason: "",
  };
}

export function orderFaults(typed: TypedOrder, { needsReason = false } = {}): Faults<TypedOrder> {
  const faults: Faults<TypedOrder> = {};
  if (!typed.description.trim()) faults.description = "missing";
  if (typed.steps.some((step) => !step.modality)) faults.steps = "step";
  const ids = typed.steps.map((step) => step.id.trim()).filter(Boolean);
  if (new Set(ids).size < ids.length) faults.steps = "same_step";
  if (needsReason && !typed.reason.trim()) faults.reason = "reason";
  return faults;
}

/** What the form does not ask for. */
const NOT_ASKED = { issuer: null, as_of: null, status: null, scheduled_study_instance_uid: null, placer_order_number: null, requested_procedure_id: null, procedure_code: null } as const;

/** `kept` is what the form does not show of an order that is there. */
export function orderBody(typed: TypedOrder, mrn: string, kept: Partial<OrderBody> = {}): OrderBody {
  const [first = NO_STEP, ...further] = numbered(typed.steps);
  const { description, ordered_by, body_part, reason } = blanksAsNull({
    description: typed.description,
    ordered_by: typed.ordered_by,
    body_part: typed.body_part,
    reason: typed.reason,
  });
  return {
    ...NOT_ASKED,
    ...kept,
    mrn,
    description: description ?? "",
    ordered_by,
    body_part,
    reason,
    laterality: typed.laterality || null,
    priority: typed.priority as NonNullable<OrderBody["priority"]>,
    modality: first.modality,
    station_ae_title: first.station || null,
    scheduled_at: momentOf(first),
    scheduled_procedure_step_id: first.id || null,
    further_steps: further.map((step) => ({
      scheduled_procedure_step_id: step.id,
      modality: step.modality,
      station_ae_title: step.station || null,
      scheduled_at: momentOf(step),
    })),
  };
}

/** Steps of which there are several have ids of their own: "1", "2" … where nobody gave one. */
export function numbered(steps: readonly TypedStep[]): readonly TypedStep[] {
  if (steps.length < 2) return steps;
  const taken = new Set(steps.map((step) => step.id.trim()).filter(Boolean));
  let next = 0;
  return steps.map((step) => {
    if (step.id.trim()) return { ...step, id: step.id.trim() };
    do next += 1;
    while (taken.has(String(next)));
    return { ...step, id: String(next) };
  });
}

/** What a form about the order does not show, as it is. */
export function keptOf(order: Order): Partial<OrderBody> {
  return {
    placer_order_number: order.placer_order_number,
    requested_procedure_id: order.requested_procedure_id === order.accession_number ? null : order.requested_procedure_id,
    procedure_code: order.procedure_code,
  };
}

function momentOf({ at, exact }: TypedStep): string | null {
  return at === localOf(exact) ? exact : instantOf(at);
}

/** "2026-11-29T08:30" of this computer's clock as a moment. */
export function instantOf(local: string): string | null {
  const moment = local ? new Date(local) : null;
  return moment && !Number.isNaN(moment.getTime()) ? moment.toISOString() : null;
}

/** A moment as a `datetime-local` field holds it; "" for none. */
export function localOf(iso: string | null): string {
  if (!iso) return "";
  const moment = new Date(iso);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** Years as typed: null for nothing, undefined for what is no age. */
export function ageOf(typed: string): number | null | undefined {
  if (!typed.trim()) return null;
  const years = /^\d{1,3}$/.test(typed.trim()) ? Number(typed) : NaN;
  return years <= OLDEST ? years : undefined;
}

/** What the server says of one field, in the reader's language; null where it says nothing. */
export function saidOf(error: Error | null, field: string): string | null {
  const said = error instanceof ApiError ? error.fields.find((each) => each.field === field) : undefined;
  return said ? fieldMessage(said.message) : null;
}

function blanksAsNull<Texts extends Record<string, string>>(texts: Texts): { [Name in keyof Texts]: string | null } {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.trim() || null])) as { [Name in keyof Texts]: string | null };
}
