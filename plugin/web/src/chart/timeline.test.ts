import { describe, expect, it } from "vitest";
import type { Entry } from "../api/chart";
import { linesOf, placeOf } from "./timeline";

const entry = (kind: Entry["kind"], day: string, more: Partial<Entry> = {}) =>
  ({ kind, day, at: `${day}T08:00:00.000Z`, title: null, status: null, modalities: [], accession_number: null, number_of_images: null, order_id: null, study_instance_uid: null, report_id: null, document_id: null, upload_id: null, ...more });

describe("a timeline", () => {
  it("is put together by year, in the order in which it comes", () => {
    const entries = [entry("order", "2030-01-02"), entry("study", "2026-05-06"), entry("report", "2026-01-01"), entry("study", "2019-01-01")];
    expect(linesOf(entries).map(({ year, entry: of }) => of?.kind ?? year)).toEqual(["2030", "order", "2026", "study", "report", "2019", "study"]);
    expect(linesOf(entries).map(({ position }) => position)).toEqual([1, 1, 2, 2, 3, 4, 4]);
    expect(linesOf([])).toEqual([]);
  });

  it("leads to what each entry is of; a document is opened where it is", () => {
    expect(placeOf(entry("order", "2026-01-01", { order_id: "o1", study_instance_uid: "1.2" }))).toBe("/orders/o1");
    expect(placeOf(entry("study", "2026-01-01", { order_id: "o1", study_instance_uid: "1.2" }))).toBe("/studies/1.2");
    expect(placeOf(entry("report", "2026-01-01", { report_id: "r1" }))).toBe("/reports/r1");
    expect(placeOf(entry("upload", "2026-01-01", { upload_id: "u1" }))).toBe("/uploads/u1");
    expect(placeOf(entry("document", "2026-01-01", { document_id: "d1" }))).toBeNull();
  });
});
