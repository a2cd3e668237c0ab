import { describe, expect, it } from "vitest";
import type { HistoryEntry } from "../api/schema";
import { linkOf, whereFrom } from "./historyWords";

const step = (more: Partial<HistoryEntry>): HistoryEntry =>
  ({ action: "study.linked", patient: null, accession_number: null, link_before: null, link_after: null, ...more }) as HistoryEntry;
const anna = { mrn: "M1", issuer: null, patient_name: "Smith^Anna", patient_birth_date: null, patient_sex: "female" as const };
const link = (patient: typeof anna | null, accession_number: string | null = null) => ({
  link_status: patient ? ("linked" as const) : ("unlinked" as const),
  patient_id: null,
  mrn: patient?.mrn ?? null,
  patient,
  order_id: null,
  order_ids: [],
  accession_number,
  accession_numbers: [],
});

describe("a step of a study's history", () => {
  it("says whose the study was and whose it is", () => {
    const [nobody, hers] = [link(null), link(anna, "A1")];
    expect(linkOf(step({ link_before: nobody, link_after: hers }))).toEqual({ before: nobody, after: hers });
    expect(linkOf(step({ link_before: null, link_after: hers }))).toMatchObject({ before: { patient: null }, after: { patient: anna } });
  });

  it("says to whom a study was linked on its way in", () => {
    expect(linkOf(step({ patient: anna, accession_number: "A1" }))).toEqual({ after: { patient: anna, accession_number: "A1" } });
    expect(linkOf(step({ action: "study.received", patient: anna }))).toBeNull();
  });

  it("says how files came and how many", () => {
    expect(whereFrom({ door: "upload", number_of_files: 16 })).toBe("Upload · 16 files");
    expect(whereFrom({ door: null, number_of_files: null })).toBe("");
  });
});
