import { describe, expect, it } from "vitest";
import type { Candidate } from "../api/reconciliation";
import { isPlain, meaningOf, nextOf, ofCandidate, reasonOf, withFurther } from "./choice";

const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  patient_id: "p",
  mrn: "M1",
  issuer: null,
  patient_name: "Doe^Jane",
  birth_date: "1961-03-14",
  sex: "female",
  order_id: "o",
  accession_number: "A1",
  order_status: "scheduled",
  order_description: null,
  kind: "probable",
  score: 0.8,
  evidence: [
    { field: "AccessionNumber", agrees: true, grade: "same", detail: "", reasons: [], values: {} },
    { field: "PatientBirthDate", agrees: null, grade: "silent", detail: "", reasons: [], values: {} },
  ],
  differences: [],
  ...more,
});
const key = (name: string, more = {}) => meaningOf({ key: name, ctrlKey: false, metaKey: false, altKey: false, typing: false, ...more });

describe("accepting a candidate", () => {
  it("takes its order where it has one, and in any case the patient it was shown with", () => {
    expect(ofCandidate(candidate()).verdict).toEqual({ kind: "link", patient_id: "p", order_id: "o" });
    expect(ofCandidate(candidate({ order_id: null })).verdict).toEqual({ kind: "link", patient_id: "p" });
  });

  it("may take further orders of the same patient, after the first", () => {
    const { verdict } = ofCandidate(candidate());
    expect(withFurther(verdict, ["o2"])).toEqual({ kind: "link", patient_id: "p", order_id: "o", order_ids: ["o", "o2"] });
    expect(withFurther(verdict, [])).toEqual(verdict);
    expect(withFurther({ kind: "unlink" }, ["o2"])).toEqual({ kind: "unlink" });
  });

  it("needs one key only where nothing speaks against it", () => {
    expect(isPlain(candidate())).toBe(true);
    expect(isPlain(candidate({ kind: "ambiguous" }))).toBe(false);
    expect(isPlain(candidate({ evidence: [{ field: "PatientID", agrees: false, grade: "other", detail: "", reasons: [], values: {} }] }))).toBe(false);
    expect(isPlain(candidate({ differences: [{ tag: "PatientID", file: "M2", ehr: "M1", differs: true }] }))).toBe(false);
    expect(isPlain(candidate({ differences: [{ tag: "PatientSex", file: "", ehr: "F", differs: true }] }))).toBe(true);
  });

  it("gives a reason that names no patient", () => {
    expect(reasonOf(candidate())).toBe("Compared and accepted: Accession number agree");
    expect(reasonOf(candidate({ evidence: [] }))).toBe("Compared and accepted");
  });
});

describe("a key", () => {
  it("chooses, accepts or goes on", () => {
    expect(key("2")).toEqual({ kind: "choose", at: 1 });
    expect(key("a")).toEqual({ kind: "accept" });
    expect(key("p")).toEqual({ kind: "create" });
    expect(key("n")).toEqual({ kind: "next" });
    expect(key("x")).toBeNull();
  });

  it("means nothing while somebody types or holds another key", () => {
    expect(key("a", { typing: true })).toBeNull();
    expect(key("a", { ctrlKey: true })).toBeNull();
  });
});

describe("the next study", () => {
  it("is the one below, then the first, never the same", () => {
    expect(nextOf(["1", "2", "3"], "2")).toBe("3");
    expect(nextOf(["1", "2", "3"], "3")).toBe("1");
    expect(nextOf(["2", "3"], "1")).toBe("2");
    expect(nextOf(["1"], "1")).toBeNull();
  });
});
