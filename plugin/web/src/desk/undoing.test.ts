import { describe, expect, it } from "vitest";
import { mayUndo } from "./undoing";

const CHANGE = { kind: "patient_merged", undoes_id: null, undone_by_id: null } as const;

describe("a change", () => {
  it("is undone once, and an undoing never", () => {
    expect(mayUndo(CHANGE)).toBe(true);
    expect(mayUndo({ ...CHANGE, undone_by_id: "c2" })).toBe(false);
    expect(mayUndo({ ...CHANGE, undoes_id: "c0" })).toBe(false);
  });

  it("of an accession number is the EHR's to undo", () => {
    expect(mayUndo({ ...CHANGE, kind: "accession_corrected" })).toBe(false);
  });
});
