import { describe, expect, it } from "vitest";
import { rangeOf } from "../api/dayRange";
import { deliveriesOf, examinationsOf, ordersOf } from "./links";
import { timeWords, unitOf } from "./words";

const DAY = "2026-11-30";
const here = rangeOf(DAY, DAY);

describe("a number leads to the list that has exactly that many", () => {
  it("names the day where the user's clock is the site's", () => {
    const today = { date_at_site: DAY, since: here.from, until: here.to };
    expect(ordersOf(today, "arrived", "CT")).toBe("/orders?status=arrived&day=chosen&from=2026-11-30&to=2026-11-30&modality=CT");
    expect(ordersOf(today, "")).toBe("/orders?status=all&day=chosen&from=2026-11-30&to=2026-11-30");
  });

  it("names moments where the site's day begins at another time", () => {
    const since = new Date(Date.parse(here.from) - 5 * 3_600_000).toISOString();
    const until = new Date(Date.parse(here.to) - 5 * 3_600_000).toISOString();
    const found = new URLSearchParams(ordersOf({ date_at_site: DAY, since, until }, "").split("?")[1]);
    expect(rangeOf(found.get("from") ?? "", found.get("to") ?? "")).toEqual({ from: since, to: until });
  });

  it("says nothing that was not asked for", () => {
    expect(examinationsOf({ days: "30", modality: "", priority: "STAT" }, "order_to_signed")).toBe("/dashboard/examinations?days=30&priority=STAT&leg=order_to_signed");
    expect(deliveriesOf("ris & co", "parked")).toBe("/destinations?name=ris+%26+co&state=parked");
  });
});

describe("a time", () => {
  it("is said in its two largest units", () => {
    expect([0.4, 59, 60, 1439, 1500].map(timeWords)).toEqual(["under 1 min", "59 min", "1 h 0 min", "23 h 59 min", "1 d 1 h"]);
    expect(timeWords(null)).toBeNull();
  });

  it("is drawn in a unit with small numbers", () => {
    expect([100, 181, 5000].map((longest) => unitOf(longest).key)).toEqual(["minutes", "hours", "days"]);
  });
});
