import { describe, expect, it } from "vitest";
import type { Reconciliation } from "../api/reconciliation";
import { mayHaveNewOrder, newOrderBody, newOrderOf } from "./newOrder";

const item = {
  why: "linked",
  study: { patient_id: "p", order_id: null, study_description: "CT thorax", modalities: ["SR", "CT"], study_date: "2026-01-31" },
  received: { AccessionNumber: " CD-7 ", ReferringPhysicianName: "House^Gregory" },
} as unknown as Reconciliation;

describe("an order created from a study", () => {
  it("begins with what the images say, and never with the modality of a document beside them", () => {
    expect(newOrderOf(item)).toEqual({ accession_number: "CD-7", description: "CT thorax", modality: "CT", scheduled_at: "2026-01-31T00:00", ordered_by: "House^Gregory" });
  });
  it("leaves what is empty to the server", () => {
    expect(newOrderBody({ accession_number: " ", description: "", modality: "CT", scheduled_at: "", ordered_by: "" })).toEqual({ accession_number: null, description: null, modality: "CT", scheduled_at: null, ordered_by: null });
  });
  it("is offered where the study has a patient and no order", () => {
    expect(mayHaveNewOrder(item)).toBe(true);
    expect(mayHaveNewOrder({ ...item, study: { ...item.study, order_id: "o" } })).toBe(false);
    expect(mayHaveNewOrder({ ...item, why: "ambiguous" })).toBe(false);
  });
});
