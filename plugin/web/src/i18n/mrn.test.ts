import { describe, expect, it } from "vitest";
import { mrnText } from "./mrn";

describe("a patient's number", () => {
  it("says what it is, and once", () => {
    expect(mrnText("4711")).toBe("MRN 4711");
    expect(mrnText("MRN-4711")).toBe("MRN-4711");
    expect(mrnText("mrn4711")).toBe("mrn4711");
  });
});
