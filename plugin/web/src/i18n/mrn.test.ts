import { describe, expect, it } from "vitest";
import { mrnText, withIssuer } from "./mrn";

const number = (mrn: string, issuer: string | null = null) => ({ mrn, issuer });

describe("a patient's number", () => {
  it("says what it is, and once", () => {
    expect(mrnText(number("4711"), false)).toBe("MRN 4711");
    expect(mrnText(number("MRN-4711"), false)).toBe("MRN-4711");
    expect(mrnText(number("mrn4711"), false)).toBe("mrn4711");
  });

  it("says whose it is where several authorities give numbers, and nowhere else", () => {
    expect(mrnText(number("7", "SITE-A"), true)).toBe("MRN 7 · SITE-A");
    expect(mrnText(number("7"), true)).toBe("MRN 7 · issuer not known");
    expect(mrnText(number("7", "SITE-A"), false)).toBe("MRN 7");
  });

  it("does so in a file's own words", () => {
    expect(withIssuer("Patient ID in the files: 7", "SITE-B", true)).toBe("Patient ID in the files: 7 · SITE-B");
    expect(withIssuer("Patient ID in the files: 7", "", true)).toBe("Patient ID in the files: 7 · issuer not known");
    expect(withIssuer("Patient ID in the files: 7", "SITE-B", false)).toBe("Patient ID in the files: 7");
  });
});
