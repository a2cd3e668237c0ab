import { describe, expect, it } from "vitest";
import { attentionWords, fixityWords, forecastWords, freeWords, placeToAct, savedWords } from "./words";

describe("what the system page says", () => {
  it("of free space is never better than it is", () => {
    expect(freeWords({ free_bytes: 99_900_000_000, total_bytes: 1_000_000_000_000 })).toBe("99.9 GB of 1.0 TB (9%)");
    expect(freeWords({ free_bytes: 0, total_bytes: 0 })).toContain("0%");
    expect(freeWords({ free_bytes: null, total_bytes: 5 })).toBeNull();
  });

  it("of compression is what it saves, and never less than nothing", () => {
    expect(savedWords({ archive_bytes: 5_100_000_000, uncompressed_bytes: 10_000_000_000 })).toBe("4.9 GB (49%)");
    expect(savedWords({ archive_bytes: 5, uncompressed_bytes: 5 })).toBe("nothing");
    expect(savedWords({ archive_bytes: 0, uncompressed_bytes: 0 })).toBe("nothing");
    expect(savedWords({ archive_bytes: null, uncompressed_bytes: null })).toBeNull();
  });

  it("of the day when the disk is full is a date, or why there is none", () => {
    expect(forecastWords({ days: 28, bytes_per_day: 4_100_000_000, full_on: "2027-12-12" })).toBe("12 Dec 2027, at 4.1 GB a day");
    expect(forecastWords({ days: 28, bytes_per_day: 1_000, full_on: null })).toMatch(/^in more than ten years/);
    expect(forecastWords({ days: 3, bytes_per_day: null, full_on: null })).toBe("not known yet: 3 of 21 days have been counted");
  });

  it("of reading all files again is how often, and how far that is", () => {
    expect(fixityWords({ days: 30, checked_until: "2026-11-24T12:00:00Z" })).toMatch(/^every 30 days; up to date as of 24 Nov 2026/);
    expect(fixityWords({ days: 1, checked_until: "2026-11-24T12:00:00Z" })).toMatch(/^every day; /);
    expect(fixityWords({ days: 30, checked_until: null })).toBeNull();
    expect(fixityWords({ days: 0, checked_until: null })).toContain("EHR_BRIDGE_FIXITY_DAYS");
  });

  it("to act on is in words of its own, with the number", () => {
    const { title, todo } = attentionWords({ code: "jobs_failed", count: 3, advice: "server's words" });
    expect(title).toContain("3");
    expect(todo).not.toBe("server's words");
  });

  it("of what it does not know is what the server says", () => {
    expect(attentionWords({ code: "moon_too_low", count: null, advice: "Raise it." })).toEqual({ title: "moon_too_low", todo: "Raise it." });
  });

  it("leads those who may go there to where something can be done", () => {
    expect(placeToAct("uploads_incomplete", ["read"])).toBe("/uploads?status=partial");
    expect(placeToAct("refused_often", ["read"])).toBeNull();
    expect(placeToAct("storage_low", ["read", "audit"])).toBeNull();
  });
});
