import { describe, expect, it } from "vitest";
import type { Order, Patient } from "../api/types";
import { corrections, decidedFor, optionsOf, questionsOf, undecided, type Choice } from "./choice";
import type { StudyDraft } from "./group";
import type { Header } from "./read/header";

const header = { patientId: "SCAN-7", patientName: "LINDQVIST^ASA", birthDate: "19610314", sex: "", accessionNumber: "", referringPhysician: "", studyDate: "20260101", scheduledProcedureStepId: "SPS2032" } as Header;
const patient = { id: "p", mrn: "M-1" } as Patient;
const order = { id: "o", accession_number: "A1", patient_id: "q" } as Order;
const study = { uid: "1.2", variants: [header, { ...header, patientName: "DOE^JANE" }] } as StudyDraft;
const choice = (change: Partial<Choice> = {}): Choice => ({ ...undecided({ kind: "automatic" }), ...change });

describe("what the server is asked", () => {
  it("is each way in which the files say whose they are, as they say it", () => {
    const asked = questionsOf(study, choice());
    expect(asked.map(({ ref, patient_name }) => [ref, patient_name])).toEqual([["1.2", "LINDQVIST^ASA"], ["1.2 1", "DOE^JANE"]]);
    expect(asked[0]).toMatchObject({ study_instance_uid: "1.2", scheduled_procedure_step_id: "SPS2032" });
    expect(asked[0]).not.toHaveProperty("confirmation");
  });

  it("holds what the person chose and corrected, exactly as it is sent with the files", () => {
    const chosen = choice({ link: { kind: "order", order, patient }, tags: { PatientID: "M-1" } });
    expect(questionsOf(study, chosen)[1]?.confirmation).toEqual({ order_id: "o", patient_id: "p", tags: { PatientID: "M-1" } });
    expect(optionsOf(chosen)).toEqual({ orderId: "o", patientId: "p", tags: { PatientID: "M-1" } });
    expect(questionsOf(study, choice({ link: { kind: "patient", patient } }))[0]?.confirmation).toEqual({ patient_id: "p" });
    expect(optionsOf(choice({ link: { kind: "order", order, patient: null } })).patientId).toBe("q");
  });
});

describe("a decision for all studies of a patient", () => {
  it("keeps out what was taken out by hand, and keeps corrections", () => {
    const link = { kind: "patient", patient } as const;
    const out = choice({ include: false, decided: true, tags: { PatientID: "M-1" }, confirmed: "x" });
    expect(decidedFor(out, link)).toEqual({ ...undecided(link), include: false, decided: true, tags: { PatientID: "M-1" } });
  });

  it("judges again what was left out, or was only ticked again", () => {
    const link = { kind: "patient", patient } as const;
    expect(decidedFor(choice({ include: false, leftOut: true }), link)).toEqual(undecided(link));
    expect(decidedFor(choice({ decided: true, link: { kind: "order", order, patient } }), link)).toEqual(undecided(link));
  });

  it("keeps whose one of them is, where that was said for it alone, also while it is taken out", () => {
    const alone = choice({ decided: true, linkedAlone: true, link: { kind: "order", order, patient }, confirmed: "x" });
    const out = { ...alone, include: false };
    for (const each of [alone, out]) expect(decidedFor(each, { kind: "patient", patient })).toEqual(each);
  });
});

describe("what the person corrected", () => {
  it("stands beside what the files say", () => {
    expect(corrections(header, { StudyDate: "20260102", AccessionNumber: "" })).toEqual([
      { tag: "AccessionNumber", before: "", after: "" },
      { tag: "StudyDate", before: "20260101", after: "20260102" },
    ]);
  });
});
