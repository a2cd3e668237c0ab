/** An order that is created from a study: what the images say of it, until a person says otherwise. Pure. */
import type { NewOrder, Reconciliation } from "../api/reconciliation";

export interface TypedNewOrder {
  /** "" for a number that is given here. */
  accession_number: string;
  description: string;
  modality: string;
  /** As a `datetime-local` field has it, in the time of the person. */
  scheduled_at: string;
  ordered_by: string;
}

/** Series that go with others and are not what was ordered. */
const BESIDE = new Set(["SR", "PR", "KO", "DOC", "SEG", "OT"]);

export function newOrderOf({ received, study }: Reconciliation): TypedNewOrder {
  const said = (received.AccessionNumber ?? "").trim();
  return {
    // That of an order the study answers already is taken.
    accession_number: study.order_id === null && said.length <= 16 ? said : "",
    description: study.study_description ?? "",
    modality: study.modalities.find((each) => !BESIDE.has(each)) ?? study.modalities[0] ?? "",
    scheduled_at: study.study_date ? `${study.study_date}T00:00` : "",
    ordered_by: (received.ReferringPhysicianName ?? "").trim(),
  };
}

/** Empty fields are left to the server, which takes them from the study. */
export function newOrderBody(typed: TypedNewOrder): NewOrder {
  const text = (value: string) => value.trim() || null;
  const moment = typed.scheduled_at ? new Date(typed.scheduled_at) : null;
  return {
    accession_number: text(typed.accession_number),
    description: text(typed.description),
    modality: text(typed.modality),
    scheduled_at: moment && !Number.isNaN(moment.getTime()) ? moment.toISOString() : null,
    ordered_by: text(typed.ordered_by),
  };
}

/** Linked to a patient, without an order. */
export function mayHaveNewOrder({ study, why }: Reconciliation): boolean {
  return why === "linked" && study.patient_id !== null && study.order_id === null;
}
