import { describe, expect, it } from "vitest";
import { seriesOf } from "./dicomJson";

const row = (uid: string, number?: unknown) => ({
  "0020000E": { vr: "UI", Value: [uid] },
  ...(number === undefined ? {} : { "00200011": { vr: "IS", Value: [number] } }),
  "0008103E": { vr: "LO", Value: ["<img src=x onerror=alert(1)>"] },
});

describe("series", () => {
  it("stand in the order of their numbers, those without one last", () => {
    expect(seriesOf([row("1.3"), row("1.2", "10"), row("1.1", 2)]).map(({ uid }) => uid)).toEqual(["1.1", "1.2", "1.3"]);
  });

  it("keep what a file says as text", () => {
    expect(seriesOf([row("1.1", 1)])[0]).toEqual({
      uid: "1.1",
      number: 1,
      modality: "",
      description: "<img src=x onerror=alert(1)>",
      instances: null,
    });
  });

  it.each([[undefined], [{}], [[null, 3, { "0020000E": {} }]], ["<html>"]])("are none in %j", (answer) => {
    expect(seriesOf(answer)).toEqual([]);
  });
});
