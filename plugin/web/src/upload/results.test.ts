import { describe, expect, it } from "vitest";
import type { UploadAnswer } from "../api/types";
import { lookedUp } from "./asking";
import { verdictOn } from "./matchWords";
import * as q from "./queue";
import { resultsByStudy, valueText } from "./results";
import { announcement, outcome } from "./said";

const answerFor = (study: string, kind: string, status: "stored" | "duplicate" | "failed" = "stored"): UploadAnswer => ({
  status: "success",
  instances: [{ study_instance_uid: study, status }],
  studies: [
    {
      study_instance_uid: study,
      match: { kind, evidence: [], order_id: "7" },
      coerced: [{ tag: "PatientID", before: "X", after: "M1" }],
    },
  ],
});

function queueOf(...answers: UploadAnswer[]): q.Queue {
  let queue = q.added(q.emptyQueue("u"), answers.map((_, at) => ({ id: at, name: `f${at}`, size: 1, group: "g" })));
  answers.forEach((answer, at) => {
    const state = answer.instances[0]!.status;
    queue = q.settled(queue, at, { kind: "done", state, answer, problem: null }, 0);
  });
  return queue;
}

describe("results per study", () => {
  it("gathers the counts, the latest match and each coercion once", () => {
    const results = resultsByStudy(queueOf(answerFor("1", "none"), answerFor("1", "exact", "duplicate"), answerFor("2", "ambiguous")));
    expect(results.map((each) => each.studyInstanceUid)).toEqual(["1", "2"]);
    expect(results[0]).toMatchObject({ stored: 1, duplicate: 1, failed: 0, match: { kind: "exact" } });
    expect(results[0]?.coerced).toEqual([{ tag: "PatientID", before: "X", after: "M1" }]);
  });

  it("never hide an image in doubt behind others that are not", () => {
    const kindOf = (...kinds: string[]) => resultsByStudy(queueOf(...kinds.map((kind) => answerFor("1", kind))))[0]?.match?.kind;
    expect(kindOf("exact", "ambiguous", "exact")).toBe("ambiguous");
    const first = answerFor("1", "exact");
    first.studies[0]!.match!.evidence = [{ field: "AccessionNumber", agrees: true, grade: "same", detail: "" }];
    expect(resultsByStudy(queueOf(first, answerFor("1", "exact")))[0]?.match?.evidence).toHaveLength(1);
  });

  it("counts what was skipped for the study it is in, with whose the server says that is", () => {
    const link = { status: "linked" as const, patientId: "p", orderId: null };
    let queue = q.added(q.emptyQueue("u"), [1, 2, 3].map((id) => ({ id, name: "f", size: 1, group: "1", asks: true })));
    queue = lookedUp(queue, [1, 2, 3], new Map([[1, { studyInstanceUid: "1", link }], [2, { studyInstanceUid: null, link: null }]]));
    queue = q.settled(queue, 3, { kind: "done", state: "stored", answer: answerFor("1", "exact"), problem: null }, 0);
    expect(resultsByStudy(queue)).toMatchObject([{ studyInstanceUid: "1", stored: 1, skipped: 2, link, match: { kind: "exact" } }]);
  });

  it("shows DICOM values as they stand", () => {
    expect(valueText(["A", "B"])).toBe("A\\B");
    expect(valueText(null)).toBe("");
    expect(valueText(0)).toBe("0");
  });
});

describe("the verdict in words", () => {
  const result = (kind: string, orderId: string | null, stored = 1) => ({
    studyInstanceUid: "1", coerced: [], stored, duplicate: 0, skipped: 0, link: null, failed: 0, match: { kind, evidence: [], order_id: orderId },
  });

  it("is good only for the order that was chosen", () => {
    expect(verdictOn(result("exact", "7"), "7").tone).toBe("good");
    expect(verdictOn(result("exact", "8"), "7").tone).toBe("bad");
    expect(verdictOn(result("exact", null), "7").tone).toBe("warn");
    for (const kind of ["probable", "ambiguous", "none", "something new"]) {
      expect(verdictOn(result(kind, "7"), "7").tone).toBe("warn");
    }
    expect(verdictOn(result("exact", "7", 0), "7").tone).toBe("bad");
  });
});

describe("what is said", () => {
  it("names the outcome in one sentence", () => {
    const sum = { files: 20, settled: 20, stored: 19, duplicate: 0, skipped: 0, failed: 1, cancelled: 0, bytes: 0, sent: 0, skippedBytes: 0 };
    expect(outcome(sum)).toEqual({ kind: "warn", text: "Upload finished: 19 stored, 1 failed." });
    expect(outcome({ ...sum, stored: 20, failed: 0 }).text).toBe("All 20 files are stored.");
    expect(outcome({ ...sum, stored: 0, skipped: 20, failed: 0 })).toEqual({ kind: "good", text: "All 20 files are already there. Nothing had to be sent." });
    expect(outcome({ ...sum, stored: 8, skipped: 12, failed: 0 }).text).toBe("Upload finished: 8 stored, 12 already there.");
    expect(outcome({ ...sum, files: 1, stored: 0, failed: 1 }).text).toBe("The file could not be stored.");
  });

  it("speaks at the start and at each quarter only", () => {
    const files = Array.from({ length: 20 }, (_, id) => ({ id, name: "f", size: 1, group: "g" }));
    let queue = q.added(q.emptyQueue("u"), files);
    const said = new Set([announcement(queue, false)]);
    for (const { id } of files) {
      queue = q.settled(queue, id, { kind: "done", state: "stored", answer: answerFor("1", "exact"), problem: null }, 0);
      said.add(announcement(queue, false));
    }
    expect([...said]).toEqual([
      "Uploading 20 files.",
      "25 percent, 5 of 20 files.",
      "50 percent, 10 of 20 files.",
      "75 percent, 15 of 20 files.",
      "All 20 files are stored.",
    ]);
  });
});
