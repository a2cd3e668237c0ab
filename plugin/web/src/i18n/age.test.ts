import { describe, expect, it } from "vitest";
import { ageOn, today } from "./age";

describe("an age", () => {
  it("is in years, and turns on the birthday", () => {
    expect(ageOn("1961-03-14", "2026-03-13")).toEqual({ unit: "years", count: 64 });
    expect(ageOn("1961-03-14", "2026-03-14")).toEqual({ unit: "years", count: 65 });
    expect(ageOn("2004-02-29", "2026-02-28")).toEqual({ unit: "years", count: 21 });
  });

  it("is in months for a small child and in days for a baby", () => {
    expect(ageOn("2025-01-15", "2026-11-28")).toEqual({ unit: "months", count: 22 });
    expect(ageOn("2026-10-01", "2026-11-28")).toEqual({ unit: "days", count: 58 });
    expect(ageOn("2026-11-28", "2026-11-28")).toEqual({ unit: "days", count: 0 });
  });

  it("is not known of what is no date or lies ahead", () => {
    for (const born of ["", "1961", "19610314", "2026-13-40", "2026-11-29"]) expect(ageOn(born, "2026-11-28")).toBe(null);
  });

  it("counts to the day where the user is", () => {
    expect(today(new Date(2026, 0, 5, 23, 59))).toBe("2026-01-05");
  });
});
