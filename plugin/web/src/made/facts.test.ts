import { describe, expect, it } from "vitest";
import { imagesOf } from "../api/made";
import type { Dataset } from "../api/objects";
import { bodyPartOf, lateralityOf, scaled, shifted, windowsOf } from "./facts";

const file = (tags: Record<string, unknown[]>): Dataset => Object.fromEntries(Object.entries(tags).map(([tag, Value]) => [tag, { Value }]));

describe("what a radiographer checks", () => {
  it("is the side of the image before that of the series, and of enhanced images that of the frames", () => {
    expect(lateralityOf(file({ "00200062": ["R"], "00200060": ["L"] }))).toBe("R");
    expect(lateralityOf(file({ "00200060": ["L"] }))).toBe("L");
    expect(lateralityOf(file({ "52009229": [file({ "00209071": [file({ "00209072": ["B"] })] })] }))).toBe("B");
    expect(lateralityOf({})).toBe("");
    expect(bodyPartOf(file({ "00180015": ["HAND"] }))).toBe("HAND");
  });

  it("is every window with a width, also of enhanced images", () => {
    expect(windowsOf(file({ "00281050": [40, -600], "00281051": [400, 1500] }))).toEqual([[40, 400], [-600, 1500]]);
    expect(windowsOf(file({ "00281050": [2, 40], "00281051": [0, 80] }))).toEqual([[40, 80]]);
    expect(windowsOf(file({ "52009229": [file({ "00289132": [file({ "00281050": [7], "00281051": [9] })] })] }))).toEqual([[7, 9]]);
    expect(windowsOf(undefined)).toEqual([]);
  });
});

describe("a window", () => {
  it("gets narrower for more contrast, and lower for a brighter picture", () => {
    expect(scaled([40, 400], 0.9)).toEqual([40, 360]);
    expect(scaled([40, 1], 0.1)).toEqual([40, 1]);
    expect(shifted([40, 400], -0.1)).toEqual([0, 400]);
  });
});

describe("the images of a series", () => {
  it("come by number, and each frame is one", () => {
    const made = imagesOf([
      file({ "00080018": ["1.2"], "00200013": [10] }),
      file({ "00080018": ["1.1"], "00200013": [9], "00280008": ["2"] }),
    ]);
    expect(made.map(({ instance, frame }) => [instance, frame])).toEqual([["1.1", 1], ["1.1", 2], ["1.2", 1]]);
  });
});
