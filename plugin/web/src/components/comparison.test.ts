import { describe, expect, it } from "vitest";
import type { Evidence } from "../api/types";
import { contradictions, rowsOf } from "./comparison";

const line = (field: string, grade: Evidence["grade"], agrees: boolean | null = grade === "silent" ? null : grade !== "other"): Evidence => ({ field, grade, agrees, detail: `${field} ${grade}` });
const value = (tag: string, file: string, ehr: string | null, differs = file !== ehr) => ({ tag, file, ehr, differs });
const marks = (...args: Parameters<typeof rowsOf>) => Object.fromEntries(rowsOf(...args).map(({ tag, mark }) => [tag, mark]));

describe("files beside the EHR", () => {
  it("are marked as the server graded them, never by comparing letters here", () => {
    const differences = [
      value("PatientID", "M-1", "M-1"),
      value("PatientName", "TANAKA^YUKI", "Tanaka^Yuki"),
      value("PatientBirthDate", "19500703", "19500730"),
      value("PatientSex", "F", "M"),
      value("AccessionNumber", "", "A1"),
    ];
    const evidence = [line("PatientID", "same"), line("PatientName", "form"), line("PatientBirthDate", "slip"), line("PatientSex", "other")];
    expect(marks(differences, evidence)).toEqual({ PatientID: "same", PatientName: "form", PatientBirthDate: "slip", PatientSex: "other", AccessionNumber: "filled" });
  });

  it("show what contradicts and has no value of its own, and not what only says how it came", () => {
    const evidence = [line("confirmation", "same"), line("study", "same"), line("ScheduledProcedureStepID", "other")];
    expect(rowsOf([], evidence)).toEqual([{ tag: "ScheduledProcedureStepID", file: null, ehr: null, mark: "other", detail: "ScheduledProcedureStepID other" }]);
  });

  it("are never silently the same where a value would be replaced", () => {
    expect(marks([value("IssuerOfPatientID", "A", "B")], [])).toEqual({ IssuerOfPatientID: "unlike" });
    expect(marks([value("PatientSex", "X", "M")], [line("PatientSex", "silent")])).toEqual({ PatientSex: "unlike" });
    expect(marks([value("PatientName", "A^B", "A^C")], [line("PatientName", "same")])).toEqual({ PatientName: "form" });
  });

  it("contradict where the server says so, even by a slip that a relative's number has too", () => {
    const neighbour = line("PatientID", "slip", false);
    expect(marks([value("PatientID", "M-2", "M-1")], [neighbour])).toEqual({ PatientID: "other" });
    expect(contradictions([neighbour, line("PatientName", "slip"), line("PatientSex", "silent")])).toEqual([neighbour]);
  });
});
