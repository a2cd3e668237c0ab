import { describe, expect, it } from "vitest";
import type { HistoryEntry } from "../api/schema";
import { linkWords, whereFrom } from "./historyWords";

const step = (more: Partial<HistoryEntry>): HistoryEntry =>
  ({ action: "study.linked", mrn: null, accession_number: null, link_before: null, link_after: null, ...more }) as HistoryEntry;
const link = (mrn: string | null, accession: string | null = null) => ({
  link_status: mrn ? ("linked" as const) : ("unlinked" as const),
  patient_id: null,
  mrn,
  order_id: null,
  accession_number: accession,
});

describe("a step of a study's history", () => {
  it("says whose the study was and whose it is", () => {
    expect(linkWords(step({ link_before: link(null), link_after: link("M1", "A1") }))).toBe("From nobody to MRN M1, A1");
    expect(linkWords(step({ link_before: link("M1"), link_after: link(null) }))).toBe("From MRN M1 to nobody");
  });

  it("says to whom a study was linked on its way in", () => {
    expect(linkWords(step({ mrn: "M1", accession_number: "A1" }))).toBe("To MRN M1, A1");
    expect(linkWords(step({ action: "study.received", mrn: "M1" }))).toBe("");
  });

  it("says how files came and how many", () => {
    expect(whereFrom({ door: "upload", number_of_files: 16 })).toBe("Upload · 16 files");
    expect(whereFrom({ door: null, number_of_files: null })).toBe("");
  });
});
