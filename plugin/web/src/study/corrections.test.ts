import { describe, expect, it } from "vitest";
import type { Tag } from "../api/study";
import { changesOf, correctable } from "./corrections";

const tag = (name: string, value: string, isModifiable = true): Tag => ({
  tag: name,
  value,
  is_modifiable: isModifiable,
  other_values: [],
  original: value,
  history: [],
});
const tags = [tag("PatientID", "M1"), tag("AccessionNumber", "A1"), tag("StudyDate", "20260115"), tag("PatientSex", "F", false)];

describe("correcting tags by hand", () => {
  it("is open for all that may be modified where the study is linked to nobody", () => {
    const fields = correctable({ patient_id: null, order_id: null }, tags);
    expect(fields.map(({ fixedBy }) => fixedBy)).toEqual([null, null, null]);
  });

  it("leaves to the link what the link says", () => {
    const fields = correctable({ patient_id: "p", order_id: "o" }, tags);
    expect(fields.map(({ fixedBy }) => fixedBy)).toEqual(["patient", "order", null]);
    expect(changesOf(fields, { PatientID: "M2", StudyDate: "20260114" })).toEqual({ StudyDate: "20260114" });
  });

  it("sends only what is another value now, an emptied one too", () => {
    const fields = correctable({ patient_id: null, order_id: null }, tags);
    expect(changesOf(fields, { PatientID: "M1", StudyDate: "20260115", AccessionNumber: "" })).toEqual({ AccessionNumber: "" });
  });
});
