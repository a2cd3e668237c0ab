// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import type { OrderRow } from "../api/types";
import { shown } from "../testing/page";
import { OrderCard } from "./OrderCard";

const ORDER = { id: "7", accession_number: "A1", patient_id: "p1", patient_name: "Doe^Jane", patient_birth_date: "1961-03-14", patient_sex: "female", mrn: "M1", status: "scheduled", priority: null, modality: "MR", scheduled_at: null } as unknown as OrderRow;

describe("an order on a phone", () => {
  it.each([
    ["MR brain", "MR brain A1"],
    ["mr/brain", "mr/brain A1"],
    ["Brain", "MR Brain A1"],
    ["MRCP", "MR MRCP A1"],
    ["", "MR A1"],
  ])("says the modality and the accession number of %s once", (description, said) => {
    const { container } = shown(<OrderCard order={{ ...ORDER, description }} isNamesake={false} now={0} />);
    expect(container.querySelector(".day-card-what")?.textContent).toBe(said);
  });
});
