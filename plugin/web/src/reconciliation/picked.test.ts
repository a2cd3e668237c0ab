import { describe, expect, it } from "vitest";
import { asWish, countOf, isPicked, NOTHING_PICKED, withImage, withSeries } from "./picked";

const ALL = ["1", "2", "3"];
const SIZES = new Map([["A", 3], ["B", 5]]);

describe("images that somebody picks to move", () => {
  it("are whole series and single images, counted together", () => {
    const picked = withImage(withSeries(NOTHING_PICKED, "B", true), "A", "2", true, ALL);
    expect(asWish(picked)).toEqual({ series: ["B"], instances: ["2"] });
    expect(countOf(picked, SIZES)).toBe(6);
    expect(isPicked(picked, "A", "2")).toBe(true);
    expect(isPicked(picked, "A", "1")).toBe(false);
  });
  it("leave the rest of a series when one of it is taken back", () => {
    const picked = withImage(withSeries(NOTHING_PICKED, "A", true), "A", "2", false, ALL);
    expect(asWish(picked)).toEqual({ series: [], instances: ["1", "3"] });
  });
  it("are the series when all of it are picked, and nothing when none is", () => {
    const all = ALL.reduce((picked, image) => withImage(picked, "A", image, true, ALL), NOTHING_PICKED);
    expect(asWish(all)).toEqual({ series: ["A"], instances: [] });
    expect(asWish(withSeries(all, "A", false))).toEqual({ series: [], instances: [] });
  });
});
