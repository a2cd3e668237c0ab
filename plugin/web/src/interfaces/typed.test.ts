import { describe, expect, it } from "vitest";
import { problemsOf, type Typed } from "./typed";

const RIGHT: Typed = { aeTitle: "CT2", host: "10.0.3.17", port: "104", description: "" };

describe("what is typed of a modality", () => {
  it("is right", () => {
    expect(problemsOf(RIGHT)).toEqual({});
    expect(problemsOf({ ...RIGHT, aeTitle: " MR_1-b ", host: "mr1.radiology.example", port: "65535" })).toEqual({});
  });

  it.each([
    ["aeTitle", ""],
    ["aeTitle", "SEVENTEEN_LETTERS"],
    ["aeTitle", "CT 2"],
    ["aeTitle", "CT/2"],
    ["aeTitle", "CT\\2"],
    ["aeTitle", "MÜ"],
    ["host", ""],
    ["host", "10.0.3.17:104"],
    ["host", "ct 2"],
    ["port", ""],
    ["port", "0"],
    ["port", "65536"],
    ["port", "104a"],
  ])("has a problem: %s is %j", (field, value) => {
    expect(problemsOf({ ...RIGHT, [field]: value })).toEqual({ [field]: true });
  });
});
