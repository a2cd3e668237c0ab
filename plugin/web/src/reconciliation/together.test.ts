import { describe, expect, it } from "vitest";
import type { Candidate, Reconciliation } from "../api/reconciliation";
import { decisionOf, namesTheSame, together } from "./together";

const SAID = { PatientID: "CD/7", PatientName: "ZORN^KLARA", PatientBirthDate: "19610314" };
const plain = { patient_id: "p", order_id: "o", kind: "probable", evidence: [], differences: [] } as unknown as Candidate;
const other = { ...plain, kind: "none" } as Candidate;
const item = (uid: string, received: Record<string, string>, candidates: Candidate[], job: unknown = null) =>
  ({ study: { study_instance_uid: uid }, received, candidates, job, version: `v${uid}` }) as unknown as Reconciliation;

describe("one decision for all studies of a person", () => {
  it("is about studies that say the same of them, and say enough", () => {
    expect(namesTheSame(SAID, { ...SAID })).toBe(true);
    expect(namesTheSame(SAID, { ...SAID, PatientBirthDate: "19610413" })).toBe(false);
    expect(namesTheSame({ PatientName: "ZORN^KLARA" }, { PatientName: "ZORN^KLARA" })).toBe(false);
  });
  it("leaves out what does not agree, what is being changed, and the study itself", () => {
    const first = item("1", SAID, [plain]);
    const found = together(first, [first, item("2", SAID, [plain]), item("3", SAID, [other]), item("4", SAID, [plain], {}), item("5", {}, [plain])], "p");
    expect(found.map(({ item: each, candidate }) => [each.study.study_instance_uid, candidate !== null])).toEqual([["2", true], ["3", false]]);
    expect(found.map(decisionOf).map((each) => each?.expected ?? null)).toEqual(["v2", null]);
  });
  it("never takes along a study whose images name somebody else, nor takes others along with it", () => {
    for (const why of ["contradicted", "withheld"] as const) {
      const doubted = { ...item("2", SAID, [plain]), why };
      expect(together(item("1", SAID, [plain]), [doubted], "p").map(decisionOf)).toEqual([null]);
      expect(together(doubted, [item("1", SAID, [plain])], "p")).toEqual([]);
    }
  });
});
