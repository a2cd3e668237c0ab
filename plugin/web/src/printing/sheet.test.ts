import { expect, it } from "vitest";
import { code128, drawingSVG } from "bwip-js";
import type { Label } from "../api/printing";
import { codeOf, pageRule, repeated, SIZES } from "./sheet";

const LABEL = { mrn: "MRN-1", order: { accession_number: "ACC-1" } } as Label;

it("a patient's label has the bars of the patient, an order's those of the order", () => {
  expect(codeOf(LABEL, "patient")).toBe("MRN-1");
  expect(codeOf(LABEL, "specimen")).toBe("ACC-1");
  expect(codeOf({ ...LABEL, order: null }, "order")).toBe("MRN-1");
});

it("copies stand together, so that a strip is cut once", () => {
  expect(repeated(["a", "b"], 2)).toEqual(["a", "a", "b", "b"]);
});

it("a label printer gets a page of the label's size, a sheet is A4", () => {
  expect(pageRule(SIZES["62x29"])).toContain("62mm 29mm");
  expect(pageRule(SIZES.a4)).toContain("A4");
});

it("every number of a patient or an order can be drawn in bars", () => {
  for (const text of ["MRN-1", "ACC-2026-0101", "L0000001", "A/B 7", "x".repeat(64)]) {
    expect(code128({ bcid: "code128", text, height: 8, includetext: false }, drawingSVG())).toMatch(/^<svg.*<\/svg>\s*$/s);
  }
});
