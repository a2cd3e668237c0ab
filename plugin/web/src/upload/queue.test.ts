import { describe, expect, it } from "vitest";
import * as q from "./queue";
import type { Verdict } from "./verdict";

const stored: Verdict = { kind: "done", state: "stored", problem: null, answer: { status: "success", instances: [], studies: [] } };
const refused: Verdict = { kind: "failed", problem: { code: "not_dicom", message: "", retryable: false } };
const failed: Verdict = { kind: "failed", problem: { code: "network", message: "", retryable: true } };
const lost: Verdict = { kind: "lost", problem: { code: "network", message: "", retryable: true } };

const queueOf = (count: number): q.Queue =>
  q.added(q.emptyQueue("upload-1"), Array.from({ length: count }, (_, at) => ({ id: at + 1, name: `IM${at + 1}`, size: 100, group: "g" })));

const startAll = (queue: q.Queue, now = 0): q.Queue => q.planned(queue, now).start.reduce(q.started, queue);

describe("what may start", () => {
  it("starts four files of twenty, then one for each that is settled", () => {
    let queue = startAll(queueOf(20));
    expect(queue.files.filter((file) => file.state === "sending").map((file) => file.id)).toEqual([1, 2, 3, 4]);
    expect(q.planned(queue, 0).start).toEqual([]);
    queue = q.settled(queue, 2, stored, 0);
    expect(q.planned(queue, 0).start).toEqual([5]);
  });

  it("goes on after a file that failed", () => {
    const queue = q.settled(startAll(queueOf(6)), 1, refused, 0);
    expect(q.planned(queue, 0).start).toEqual([5]);
  });

  it("holds every file while the server is busy, and says when to look again", () => {
    const queue = q.settled(startAll(queueOf(6)), 1, { kind: "busy", afterMs: 5000 }, 1000);
    expect(q.planned(queue, 2000)).toEqual({ start: [], wakeAt: 6000 });
    expect(q.planned(queue, 6000).start).toEqual([1]);
  });

  it("starts nothing while the user pauses, lets what is on its way arrive, and goes on when told", () => {
    let queue = q.settled(q.paused(startAll(queueOf(6))), 1, stored, 0);
    expect(q.planned(queue, 0)).toEqual({ start: [], wakeAt: null });
    expect(q.isActive(queue)).toBe(true);
    expect(queue.files[0]?.state).toBe("stored");
    queue = q.unpaused(queue);
    expect(q.planned(queue, 0).start).toEqual([5]);
  });

  it("stands still until the user has signed in again, and does not count that attempt", () => {
    let queue = q.settled(startAll(queueOf(2)), 1, { kind: "sign_in" }, 0);
    expect(q.planned(queue, 0)).toEqual({ start: [], wakeAt: null });
    queue = q.signedInAgain(queue);
    expect(q.planned(queue, 0).start).toEqual([1]);
    expect(queue.files[0]?.attempts).toBe(0);
  });
});

describe("a lost connection", () => {
  it("holds everybody with growing pauses, for as long as nobody gets an answer", () => {
    let queue = queueOf(2);
    const pauses: number[] = [];
    for (let nth = 0; nth < 8; nth += 1) {
      const now = queue.notBefore;
      queue = q.settled(q.started(queue, 1), 1, lost, now);
      pauses.push(queue.notBefore - now);
      expect(queue.offline).toBe(true);
      expect(q.planned(queue, now).start).toEqual([]);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
    expect(q.planned(queue, queue.notBefore).start).toEqual([1, 2]);
  });

  it("is over with the first answer", () => {
    const queue = q.settled(startAll(queueOf(2)), 1, lost, 0);
    expect(q.settled(queue, 2, stored, 0).offline).toBe(false);
  });

  it("gives up a file that gets no answer while the others do", () => {
    let queue = startAll(queueOf(3));
    queue = q.settled(queue, 2, stored, 0);
    for (let nth = 1; nth < q.NETWORK_ATTEMPTS; nth += 1) queue = q.started(q.settled(queue, 1, lost, 0), 1);
    queue = q.settled(queue, 1, lost, 0);
    expect(queue.files[0]).toMatchObject({ state: "failed", problem: { code: "network" } });
  });

  it("need not be waited out when the user wants to try now", () => {
    const queue = q.settled(startAll(queueOf(1)), 1, lost, 0);
    expect(q.unpaused(queue).notBefore).toBe(0);
  });
});

describe("cancel and retry", () => {
  it("gives up what is open and keeps what is stored", () => {
    const queue = q.cancelled(q.settled(startAll(queueOf(6)), 1, stored, 0));
    expect(queue.files.map((file) => file.state)).toEqual(["stored", ...Array<string>(5).fill("cancelled")]);
    expect(q.isActive(queue)).toBe(false);
  });

  it("retries what may succeed, not what is no DICOM file", () => {
    let queue = startAll(queueOf(4));
    queue = q.settled(queue, 1, stored, 0);
    queue = q.settled(queue, 2, refused, 0);
    queue = q.settled(queue, 3, failed, 0);
    queue = q.cancelled(queue);
    expect(q.retryableCount(queue)).toBe(2);
    queue = q.retried(queue);
    expect(queue.files.map((file) => file.state)).toEqual(["stored", "failed", "waiting", "waiting"]);
    expect(queue.uploadId).toBe("upload-1");
  });
});

describe("totals", () => {
  it("count what was worked off, not what was cancelled", () => {
    let queue = q.progressed(startAll(queueOf(3)), 1, 40);
    expect(q.totals(queue)).toMatchObject({ files: 3, settled: 0, bytes: 300, sent: 40 });
    queue = q.settled(queue, 1, stored, 0);
    queue = q.settled(queue, 2, refused, 0);
    queue = q.cancelled(queue);
    expect(q.totals(queue)).toMatchObject({ settled: 3, stored: 1, failed: 1, cancelled: 1, bytes: 300, sent: 200 });
  });

  it("never count more than a file holds", () => {
    expect(q.totals(q.progressed(startAll(queueOf(1)), 1, 5000)).sent).toBe(100);
  });
});
