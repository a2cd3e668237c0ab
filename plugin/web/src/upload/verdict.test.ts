import { describe, expect, it } from "vitest";
import { BUSY_ATTEMPTS, judge, readUploadAnswer, waitFor, type Reply } from "./verdict";

const answer = (status: number, body: unknown, retryAfter: string | null = null): Reply => ({ kind: "answer", status, body, retryAfter, sent: 500 });
const upload = (status: string, error?: { code: string; message: string }) => ({
  upload_id: "u",
  status: "x",
  instances: [{ sop_instance_uid: "1.2", study_instance_uid: "1", status, error }],
  studies: [],
});

describe("the answer to one file", () => {
  it.each([
    ["stored", 201, "stored"],
    ["duplicate", 201, "duplicate"],
    ["failed", 200, "failed"],
    ["failed", 422, "failed"],
  ])("%s under status %i is %s", (status, code, state) => {
    expect(judge(answer(code, upload(status)), 1, 0)).toMatchObject({ kind: "done", state });
  });

  it("names the reason of a file that is not DICOM, whichever way it is told", () => {
    const inside = judge(answer(422, upload("failed", { code: "not_dicom", message: "no preamble" })), 1, 0);
    expect(inside).toMatchObject({ problem: { code: "not_dicom", message: "no preamble", retryable: false } });
    const outside = judge(answer(422, { code: "not_dicom", detail: "no preamble", status: 422 }), 1, 0);
    expect(outside).toMatchObject({ kind: "failed", problem: { code: "not_dicom", message: "no preamble", retryable: false } });
  });

  it("does not send a file again that is too large", () => {
    expect(judge(answer(413, "<html>"), 1, 0)).toMatchObject({ kind: "failed", problem: { code: "too_large", retryable: false } });
  });

  it("says of a large body that was refused without words why that may be; of a small one that it was not permitted", () => {
    const refused = (sent: number, body: unknown) => judge({ kind: "answer", status: 403, body, retryAfter: null, sent }, 1, 0);
    expect(refused(1_000_001, "<html>")).toMatchObject({ kind: "failed", problem: { code: "no_room", retryable: true } });
    expect(refused(1_000_000, "<html>")).toMatchObject({ problem: { code: "forbidden" } });
    expect(refused(9_000_000, { code: "permission_missing", detail: "no" })).toMatchObject({ problem: { code: "permission_missing" } });
  });

  it("waits as long as a busy server says, for every file, but not forever", () => {
    expect(judge(answer(503, undefined, "7"), 1, 0)).toEqual({ kind: "busy", afterMs: 7000 });
    expect(judge(answer(503, undefined, "7"), BUSY_ATTEMPTS, 0)).toMatchObject({ kind: "failed", problem: { code: "server_busy", retryable: true } });
  });

  it("leaves a lost connection, and a proxy without a server behind it, to the queue", () => {
    for (const reply of [{ kind: "network" } as const, answer(502, "<html>"), answer(504, undefined)]) {
      expect(judge(reply, 1, 0)).toMatchObject({ kind: "lost", problem: { code: "network", retryable: true } });
    }
  });

  it("asks to sign in when the session has ended", () => {
    expect(judge(answer(401, { code: "token_expired" }), 1, 0)).toEqual({ kind: "sign_in" });
  });

  it("never takes an unreadable success for a stored file", () => {
    for (const body of [undefined, null, "OK", [], {}, { instances: [] }, { instances: "3" }]) {
      expect(judge(answer(200, body), 1, 0)).toMatchObject({ kind: "failed", problem: { code: "unexpected_answer" } });
    }
    expect(judge(answer(200, { instances: [{ status: "odd" }] }), 1, 0)).toMatchObject({ state: "failed" });
  });
});

describe("Retry-After", () => {
  it("is read as seconds or as a date, and kept within reason", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(waitFor("3", now)).toBe(3000);
    expect(waitFor("Thu, 01 Jan 2026 00:00:10 GMT", now)).toBe(10_000);
    expect(waitFor("0", now)).toBe(1000);
    expect(waitFor("86400", now)).toBe(120_000);
    expect(waitFor(null, now)).toBe(5000);
    expect(waitFor("soon", now)).toBe(5000);
  });
});

describe("reading an answer", () => {
  it("survives parts that are missing or odd", () => {
    const read = readUploadAnswer({
      instances: [{ status: "stored" }, null],
      studies: [{ study_instance_uid: "1", match: { kind: "exact", evidence: [{ field: "mrn", agrees: "yes" }, 4] } }, {}],
    });
    expect(read?.instances).toHaveLength(1);
    expect(read?.studies).toEqual([
      {
        study_instance_uid: "1",
        coerced: [],
        match: { kind: "exact", score: null, evidence: [{ field: "mrn", agrees: null, grade: "silent", detail: "", reasons: [], values: {} }], patient_id: null, order_id: null },
      },
    ]);
  });
});
