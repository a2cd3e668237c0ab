import { describe, expect, it } from "vitest";
import { rangeOf } from "./dayRange";

describe("a range of days", () => {
  it("is whole days of the user's own time", () => {
    const { from, to } = rangeOf("2026-11-24", "2026-11-24");
    expect(Date.parse(to) - Date.parse(from)).toBe(24 * 60 * 60 * 1000);
    expect(new Date(from).getHours()).toBe(0);
    expect(rangeOf("", "soon")).toEqual({ from: "", to: "" });
  });
});
