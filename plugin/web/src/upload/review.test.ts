import { describe, expect, it } from "vitest";
import type { Prediction } from "../api/match";
import type { Evidence, Order, Patient } from "../api/types";
import { undecided, type Choice, type Link } from "./choice";
import { commonPatient, isAskedTogether, othersThanFit, reviewed, type Reviewed } from "./review";

const automatic: Link = { kind: "automatic" };
const chosen: Link = { kind: "order", order: { id: "o" } as Order, patient: { id: "p" } as Patient };
const line = (field: string, grade: Evidence["grade"], agrees: boolean | null = grade !== "other"): Evidence => ({ field, grade, agrees, detail: `${field} is ${grade}` });
const answer = (change: Partial<Prediction> = {}): Prediction => ({
  kind: "exact", score: 1, automatic: true, patient_id: "p", order_id: "o", study: null, differences: [], refused: null,
  evidence: [line("PatientID", "same"), line("PatientName", "same")], ...change,
});
const here = { link_status: "linked" as const, linked_at: "2026-11-20T10:00:00Z", contradicts: false };
const look = (link: Link, ...answers: (Prediction | null | undefined)[]) => {
  const { state, tone, question } = reviewed(link, answers);
  return [state, tone, question];
};

describe("the review of a study, by grade", () => {
  it("asks nothing where all agrees, and where it is only written differently", () => {
    expect(look(chosen, answer())).toEqual(["chosen", "good", ""]);
    expect(look(chosen, answer({ evidence: [line("PatientName", "form")] }))).toEqual(["chosen", "good", ""]);
    expect(look(automatic, answer())).toEqual(["exact", "good", ""]);
  });

  it("names a slip without asking", () => {
    const slipped = answer({ evidence: [line("PatientID", "same"), line("PatientBirthDate", "slip")] });
    expect(look(chosen, slipped)).toEqual(["chosen", "warn", ""]);
    expect(look(automatic, slipped)).toEqual(["exact", "warn", ""]);
  });

  it("asks about what contradicts, by its name, and about nothing else", () => {
    const other = answer({ evidence: [line("PatientName", "form"), line("PatientSex", "other"), line("ScheduledProcedureStepID", "other")] });
    const { tone, doubts, question } = reviewed(chosen, [other]);
    expect([tone, doubts.map(({ field }) => field)]).toEqual(["bad", ["PatientSex", "ScheduledProcedureStepID"]]);
    expect(question).toContain("PatientSex is other");
  });

  it("asks about a relative's number, which is only a slip away", () => {
    expect(reviewed(chosen, [answer({ evidence: [line("PatientID", "slip", false)] })]).tone).toBe("bad");
  });

  it("does not ask where the server links nothing", () => {
    expect(look(automatic, answer({ kind: "probable", automatic: false, evidence: [line("PatientSex", "other")] }))).toEqual(["probable", "warn", ""]);
    expect(look(automatic, answer({ kind: "exact", automatic: false }))).toEqual(["probable", "warn", ""]);
    expect(look(automatic, answer({ kind: "ambiguous", automatic: false }))).toEqual(["ambiguous", "warn", ""]);
    expect(look(automatic, answer({ kind: "none", automatic: false, patient_id: null }))).toEqual(["none", "warn", ""]);
  });
});

describe("a study that is here", () => {
  it("takes further images along, and asks when they name somebody else", () => {
    expect(look(automatic, answer({ study: here }))).toEqual(["joins", "good", ""]);
    const named = answer({ study: here, evidence: [line("study", "same"), line("PatientName", "other")] });
    expect(look(automatic, named)).toEqual(["joins", "bad", "PatientName: PatientName is other"]);
  });

  it("is said to be of somebody else before anything is sent", () => {
    const apart = answer({ kind: "ambiguous", automatic: false, study: { ...here, contradicts: true }, evidence: [line("study", "other")] });
    expect(look(automatic, apart)).toEqual(["apart", "bad", "apart"]);
    expect(look(automatic, { ...apart, refused: { code: "study_of_another_patient", message: "kept in quarantine" } })[0]).toBe("apart");
  });

  it("may wait for a person", () => {
    expect(look(automatic, answer({ kind: "probable", automatic: false, study: { ...here, link_status: "unlinked" } }))).toEqual(["waits", "warn", ""]);
  });

  it("may not be taken by the server at all", () => {
    expect(look(chosen, answer({ refused: { code: "study_recorded_otherwise", message: "no" } }))).toEqual(["refused", "bad", ""]);
  });
});

describe("without an answer", () => {
  it("a study waits while it is asked about", () => {
    expect(look(chosen, undefined)).toEqual(["asking", "plain", ""]);
    expect(look(automatic, answer(), undefined)[0]).toBe("asking");
  });

  it("the person compares what was chosen, and the server what was not", () => {
    expect(look(chosen, null)).toEqual(["unknown", "warn", "not compared"]);
    expect(look(automatic, null)).toEqual(["unknown", "plain", ""]);
  });
});

describe("several ways in which the files of one study say whose they are", () => {
  it("are asked about together, the worst is shown", () => {
    const { shown, doubts } = reviewed(chosen, [answer(), answer({ evidence: [line("PatientSex", "other")] }), answer({ evidence: [line("PatientSex", "other")] })]);
    expect(doubts).toHaveLength(1);
    expect(shown?.evidence[0]?.field).toBe("PatientSex");
  });
});

describe("a disc of several people for one order", () => {
  const fitting = reviewed(chosen, [answer()]);
  const other = reviewed(chosen, [answer({ evidence: [line("PatientName", "other")] })]);
  const refused = reviewed(chosen, [answer({ refused: { code: "study_recorded_otherwise", message: "no" } })]);
  const left = (reviews: Record<string, Reviewed>, choices: Record<string, Partial<Choice>> = {}, isDecidedFor = false) =>
    othersThanFit(new Map(Object.entries(reviews)), (uid) => ({ ...undecided(chosen), ...choices[uid] }), () => isDecidedFor);
  const foreign = reviewed(chosen, [answer({ evidence: [line("PatientID", "other"), line("AccessionNumber", "other")] })]);
  const relative = reviewed(chosen, [answer({ evidence: [line("PatientID", "slip", false)] })]);

  it("leaves those out that do not fit, or would be refused, whether or not others do", () => {
    expect(left({ a: fitting, b: other, c: refused })).toEqual(["b", "c"]);
    expect(left({ a: other, b: other })).toEqual(["a", "b"]);
  });

  it("takes other numbers for another hospital's once a person decided for the patient, a relative's number never", () => {
    expect(left({ a: foreign, b: fitting })).toEqual(["a"]);
    expect(left({ a: foreign, b: other, c: relative }, {}, true)).toEqual(["b", "c"]);
  });

  it("never takes the number of another patient's order here for another hospital's, nor asks about it with the others", () => {
    const ours = (field: string, reason: string) => reviewed(chosen, [answer({ evidence: [{ ...line(field, "other"), reasons: [reason] }] })]);
    const [order, step, id] = [ours("AccessionNumber", "order_of_another"), ours("ScheduledProcedureStepID", "order_of_another"), ours("PatientID", "id_of_another")];
    expect(left({ a: foreign, b: order, c: step, d: id, e: ours("AccessionNumber", "order_other") }, {}, true)).toEqual(["b", "c", "d"]);
    expect([foreign, order, step, id].map(isAskedTogether)).toEqual([true, false, false, false]);
  });

  it("asks about a study that was chosen alone, and waits while one is being asked about", () => {
    expect(left({ a: other })).toEqual([]);
    expect(left({ a: fitting, b: other }, { b: { decided: true } })).toEqual([]);
    expect(left({ a: fitting, b: other, c: reviewed(chosen, [undefined]) })).toEqual([]);
  });

  it("judges what was chosen for different orders apart", () => {
    const elsewhere: Link = { kind: "order", order: { id: "o2" } as Order, patient: null };
    expect(left({ a: other, b: other }, { b: { link: elsewhere } })).toEqual([]);
    expect(left({ a: other, b: other }, { a: { link: automatic }, b: { link: automatic } })).toEqual([]);
  });
});

describe("one patient for all studies of a disc", () => {
  const likely = reviewed(automatic, [answer({ kind: "probable", automatic: false })]);
  it("is suggested where the server takes them all for one and is not certain of each", () => {
    expect(commonPatient([likely, reviewed(automatic, [answer()])])).toBe("p");
    expect(commonPatient([reviewed(automatic, [answer()]), reviewed(automatic, [answer()])])).toBe(null);
    expect(commonPatient([likely, reviewed(automatic, [answer({ kind: "probable", automatic: false, patient_id: "q" })])])).toBe(null);
    expect(commonPatient([likely, reviewed(automatic, [answer({ kind: "none", automatic: false, patient_id: null })])])).toBe(null);
    expect(commonPatient([likely, undefined])).toBe(null);
  });
});
