import { describe, expect, it } from "vitest";
import { askedOf, DEFAULTS, foldingOf, isNarrowed, questionOf, SORT } from "./filter";
import { spanOf, waitingOf } from "./waiting";

const place = { q: "", filters: DEFAULTS, sort: SORT };
const now = new Date(2026, 10, 30, 14, 30);
const day = (date: number) => new Date(2026, 10, date).toISOString();

describe("the list of orders", () => {
  it.each([
    ["due", day(27), day(31)],
    ["all", "", ""],
    ["today", day(30), day(31)],
    ["tomorrow", day(31), day(32)],
    ["week", day(30), day(37)],
    ["some day", "", ""],
  ])("asks for %s as days are where the user is", (chosen, from, to) => {
    expect(questionOf({ ...place, filters: { ...DEFAULTS, day: chosen } }, now)).toMatchObject({ from, to });
  });

  it("counts on a phone all that is otherwise than when it is opened", () => {
    const count = (q: string, more: Partial<typeof DEFAULTS>) => askedOf(q, { ...DEFAULTS, ...more }).filter(Boolean).length;
    expect([count("", {}), count("", { status: "all" }), count("anna", { view: "v1", modality: "CT", day: "today" })]).toEqual([0, 1, 4]);
  });

  it("finds emergencies and what has no appointment beside what is due, and nothing else", () => {
    expect(questionOf({ ...place, filters: { ...DEFAULTS } }, now).also).toBe("emergencies,unscheduled");
    expect(questionOf({ ...place, filters: { ...DEFAULTS, day: "today" } }, now).also).toBe("");
  });

  it("takes the days one has chosen, and forgets them with another choice", () => {
    const filters = { ...DEFAULTS, day: "chosen", from: "2026-11-01", to: "2026-11-02" };
    expect(questionOf({ ...place, filters }, now)).toMatchObject({ from: day(1), to: day(3) });
    expect(questionOf({ ...place, filters: { ...filters, day: "all" } }, now)).toMatchObject({ from: "", to: "" });
    expect(foldingOf({ ...filters, day: "all" }).filter(Boolean)).toEqual([]);
  });

  it("asks for nothing the server would refuse, whatever the address says", () => {
    const filters = { ...DEFAULTS, status: "gone,arrived", modality: "ct!", priority: "soon", report: "lost", part: "x".repeat(40) };
    expect(questionOf({ ...place, filters, sort: "-colour" }, now)).toMatchObject({ status: "arrived", modality: "", priority: "", report: "", sort: SORT, body_part: "x".repeat(16) });
  });

  it("knows whether it shows everything", () => {
    expect(isNarrowed("", { ...DEFAULTS, status: "all", day: "all" })).toBe(false);
    expect(isNarrowed("", DEFAULTS)).toBe(true);
    expect(isNarrowed("smith", { ...DEFAULTS, status: "all", day: "all" })).toBe(true);
  });
});

describe("waiting", () => {
  const order = { status: "scheduled" as const, arrived_at: null, scheduled_at: null, uploaded_at: null, number_of_images: null };
  const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString();

  it.each([
    [{ ...order, status: "arrived" as const, arrived_at: ago(25) }, { what: "here", minutes: 25 }],
    [{ ...order, scheduled_at: ago(90) }, { what: "late", minutes: 90 }],
    [{ ...order, scheduled_at: ago(-90) }, null],
    [{ ...order, status: "completed" as const, uploaded_at: ago(5), number_of_images: 3 }, { what: "unread", minutes: 5 }],
    [{ ...order, status: "completed" as const, uploaded_at: ago(5) }, null],
    [{ ...order, status: "reported" as const, uploaded_at: ago(5), number_of_images: 3 }, null],
    [{ ...order, status: "arrived" as const, arrived_at: ago(0) }, null],
  ])("is counted from what one waits for", (told, waiting) => {
    expect(waitingOf(told, now.getTime())).toEqual(waiting);
  });

  it("is said in its two largest units", () => {
    expect(spanOf(59)).toEqual({ days: 0, hours: 0, minutes: 59 });
    expect(spanOf(125)).toEqual({ days: 0, hours: 2, minutes: 5 });
    expect(spanOf(1440 * 3 + 61)).toEqual({ days: 3, hours: 1, minutes: 0 });
  });
});
