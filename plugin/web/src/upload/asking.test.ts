import { describe, expect, it } from "vitest";
import * as q from "./queue";
import type { Verdict } from "./verdict";
import { announced, lookedUp, toLookUp, unasked } from "./asking";

const stored: Verdict = { kind: "done", state: "stored", problem: null, answer: { status: "success", instances: [], studies: [] } };
const lost: Verdict = { kind: "lost", problem: { code: "network", message: "", retryable: true } };

describe("files the server may have", () => {
  const asking = (count: number, size = 100): q.Queue =>
    q.added(q.emptyQueue("u"), Array.from({ length: count }, (_, at) => ({ id: at + 1, name: "f", size, group: "g", asks: true })));
  const known = (...ids: number[]) => new Map(ids.map((id) => [id, { studyInstanceUid: "1", link: null }]));

  it("start only when it is known that they are not there", () => {
    let queue = asking(3);
    expect(q.planned(queue, 0).start).toEqual([]);
    queue = lookedUp(queue, [1, 2], known(2));
    expect(queue.files.map((file) => file.state)).toEqual(["waiting", "skipped", "waiting"]);
    expect(q.planned(lookedUp(queue, [3]), 0).start).toEqual([1, 3]);
  });

  it("leave one behind that is sent last, with the number of all", () => {
    let queue = lookedUp(asking(4), [1, 2]);
    expect(q.planned(queue, 0).start).toEqual([1]);
    queue = q.settled(q.started(queue, 1), 1, stored, 0);
    expect(q.planned(queue, 0).start).toEqual([]);
    queue = lookedUp(queue, [3, 4], known(3, 4));
    expect([q.planned(queue, 0).start, announced(queue)]).toEqual([[2], 2]);
  });

  it("are asked about a few at first, then many or as many bytes as are read quickly", () => {
    const first = toLookUp(asking(1000));
    expect(first).toHaveLength(8);
    expect(toLookUp(lookedUp(asking(1000), first))).toHaveLength(200);
    expect(toLookUp(lookedUp(asking(1000, 30_000_000), first))).toHaveLength(2);
    expect(toLookUp(lookedUp(asking(9, 100_000_000), [1]))).toEqual([2]);
    expect(toLookUp(q.paused(asking(9)))).toEqual([]);
  });

  it("count as worked off, and an upload of nothing else is over", () => {
    const queue = lookedUp(asking(2), [1, 2], known(1, 2));
    expect(q.totals(queue)).toMatchObject({ files: 2, settled: 2, skipped: 2, bytes: 200, sent: 200, skippedBytes: 200 });
    expect(q.isActive(queue)).toBe(false);
    expect(q.retryableCount(queue)).toBe(0);
  });

  it("are no part of the total that is announced, and no total is while some are asked about", () => {
    let queue = lookedUp(asking(4), [1, 2], known(2));
    expect(announced(queue)).toBe(null);
    queue = lookedUp(queue, [3, 4], known(4));
    expect(announced(queue)).toBe(2);
    expect(announced(q.settled(q.started(queue, 1), 1, stored, 0))).toBe(2);
    expect(announced(q.settled(q.started(queue, 1), 1, lost, 0))).toBe(2);
    expect(announced(q.sentAnyway(queue))).toBe(4);
  });

  it("are sent when nobody can say, or when the person wants it", () => {
    expect(q.planned(unasked(asking(2)), 0).start).toEqual([1, 2]);
    const queue = q.sentAnyway(lookedUp(asking(2), [1, 2], known(1, 2)));
    expect(q.planned(queue, 0).start).toEqual([1, 2]);
  });

  it("that were cancelled before an answer are asked about again when they are sent after all", () => {
    const queue = lookedUp(q.cancelled(asking(2)), [1], known(1));
    expect(queue.files.map((file) => file.state)).toEqual(["cancelled", "cancelled"]);
    expect(toLookUp(q.retried(queue))).toEqual([1, 2]);
  });
});
