import { describe, expect, it } from "vitest";
import { daysLeft, decisionsFor, waitsFor } from "./state";

const now = Date.parse("2026-11-24T12:00:00Z");

describe("days left until the purge", () => {
  it.each([
    ["2026-12-01T12:00:00Z", 7],
    ["2026-11-25T11:59:00Z", 0],
    ["2026-11-20T00:00:00Z", 0],
  ])("until %s are %d", (purgeAfter, days) => {
    expect(daysLeft({ status: "approved", purge_after: purgeAfter }, now)).toBe(days);
  });

  it("are only counted for what is approved", () => {
    expect(daysLeft({ status: "restored", purge_after: "2026-12-01T12:00:00Z" }, now)).toBeNull();
  });
});

describe("a deletion request", () => {
  const pending = { status: "pending", requested_by: "rita", on_hold: false } as const;

  it("is decided by somebody else than who asked, who may take it back", () => {
    expect(decisionsFor(pending, "mina", true)).toEqual(["approve", "reject"]);
    expect(decisionsFor(pending, "rita", true)).toEqual(["withdraw"]);
    expect(decisionsFor(pending, "rita", false)).toEqual(["withdraw"]);
    expect(decisionsFor(pending, "mina", false)).toEqual([]);
    expect(decisionsFor({ ...pending, status: "approved" }, "rita", false)).toEqual([]);
  });

  it("shows its images to those it waits for", () => {
    expect(waitsFor(pending, "mina")).toBe(true);
    expect(waitsFor(pending, "rita")).toBe(false);
    expect(waitsFor({ ...pending, status: "approved" }, "mina")).toBe(false);
  });

  it("cannot be approved while the study is on hold", () => {
    expect(decisionsFor({ ...pending, on_hold: true }, "mina", true)).toEqual(["reject"]);
  });

  it("can be undone until the purge begins, and not after", () => {
    expect(decisionsFor({ ...pending, status: "approved" }, "mina", true)).toEqual(["restore"]);
    for (const status of ["purging", "purged", "rejected", "withdrawn", "restored"] as const) {
      expect(decisionsFor({ ...pending, status }, "mina", true)).toEqual([]);
    }
  });
});
