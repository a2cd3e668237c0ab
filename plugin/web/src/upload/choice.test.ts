import { describe, expect, it } from "vitest";
import type { Order, Patient } from "../api/types";
import { changes, corrected, needsConfirmation, type Choice } from "./choice";
import type { Header } from "./read/header";

const header = { patientId: "SCAN-7", patientName: "LINDQVIST^ASA", birthDate: "19610314", sex: "", accessionNumber: "", referringPhysician: "", studyDate: "20260101" } as Header;
const patient = { id: "p", mrn: "M-1", family_name: "Lindqvist", given_name: "Åsa", birth_date: "1961-03-14", sex: "female" } as Patient;
const order = { id: "o", accession_number: "A1" } as Order;
const choice = (change: Partial<Choice>): Choice => ({ include: true, link: { kind: "order", order, patient }, tags: {}, confirmed: false, ...change });

describe("what will be changed", () => {
  it("is what patient and order know otherwise, and contradicts only what the file does say", () => {
    expect(changes(header, patient, order)).toEqual([
      { keyword: "PatientID", before: "SCAN-7", after: "M-1", conflict: true },
      { keyword: "PatientName", before: "LINDQVIST^ASA", after: "Lindqvist^Åsa", conflict: true },
      { keyword: "PatientSex", before: "", after: "F", conflict: false },
      { keyword: "AccessionNumber", before: "", after: "A1", conflict: false },
    ]);
  });

  it("is who referred the patient too, which tells nobody from somebody else", () => {
    const referred = { ...order, ordered_by: "Weiß^Karin" } as Order;
    const change = (referringPhysician: string) => changes({ ...header, referringPhysician }, null, referred).find(({ keyword }) => keyword === "ReferringPhysicianName");
    expect(change("House^G")).toEqual({ keyword: "ReferringPhysicianName", before: "House^G", after: "Weiß^Karin", conflict: false });
    expect(change("Weiß^Karin^^")).toBe(undefined);
  });

  it("leaves alone what the EHR does not know", () => {
    const unknown = { ...patient, family_name: null, given_name: null, birth_date: null, sex: "unknown" } as Patient;
    expect(changes(header, unknown, null).map(({ keyword }) => keyword)).toEqual(["PatientID"]);
  });

  it("holds the person's corrections, which are no contradiction", () => {
    expect(changes(header, null, null, { StudyDate: "20260102", PatientID: "M-1" })).toEqual([
      { keyword: "StudyDate", before: "20260101", after: "20260102", conflict: false },
      { keyword: "PatientID", before: "SCAN-7", after: "M-1", conflict: false },
    ]);
    expect(corrected(header, { PatientID: "M-1" }).patientId).toBe("M-1");
  });

  it("is nothing when only empty parts of a name differ", () => {
    expect(changes({ ...header, patientId: "M-1", patientName: "Lindqvist^Åsa^^", sex: "F" }, patient, null)).toEqual([]);
  });
});

describe("sending for a chosen order", () => {
  it("needs a look when the files name somebody else, until it was confirmed", () => {
    const listed = changes(header, patient, order);
    expect(needsConfirmation(choice({}), listed, false)).toBe(true);
    expect(needsConfirmation(choice({ confirmed: true }), listed, false)).toBe(false);
  });

  it("needs a look when the files disagree among themselves", () => {
    expect(needsConfirmation(choice({}), [], true)).toBe(true);
    expect(needsConfirmation(choice({ link: { kind: "automatic" } }), [], true)).toBe(false);
  });
});
