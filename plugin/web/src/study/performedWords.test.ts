import { describe, expect, it } from "vitest";
import { countWords, isMissingImages, isOpen } from "./performedWords";

const step = (status: "in_progress" | "completed" | "discontinued", made: number, here: number) => ({
  status,
  number_of_images: made,
  number_here: here,
  closed_at: null,
});

describe("the images of a performed step", () => {
  it("says how many are missing once the modality has ended", () => {
    expect(countWords(step("completed", 120, 118))).toContain("118");
    expect(countWords(step("discontinued", 3, 0))).toContain("0");
    expect(isMissingImages(step("completed", 120, 118))).toBe(true);
  });

  it("misses nothing while the modality is at it, when all are here, or when a person has said so", () => {
    expect(countWords(step("in_progress", 120, 118))).not.toContain("118");
    expect(countWords(step("completed", 120, 120))).not.toContain("count");
    expect(isMissingImages(step("in_progress", 120, 118))).toBe(false);
    expect(isMissingImages({ ...step("completed", 120, 118), closed_at: "2026-01-15T10:15:00.000Z" })).toBe(false);
  });

  it("says nothing before the modality has made any", () => {
    expect(countWords(step("in_progress", 0, 0))).toBeNull();
  });
});

describe("what is open about a performed step", () => {
  it("is its end, until a person has closed it, and what it waits for", () => {
    expect(isOpen({ status: "in_progress", is_waiting: false, closed_at: null })).toBe(true);
    expect(isOpen({ status: "in_progress", is_waiting: false, closed_at: "2026-01-15T10:15:00.000Z" })).toBe(false);
    expect(isOpen({ status: "completed", is_waiting: true, closed_at: null })).toBe(true);
    expect(isOpen({ status: "completed", is_waiting: false, closed_at: null })).toBe(false);
  });
});
