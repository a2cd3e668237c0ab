import { describe, expect, it } from "vitest";
import { survivorOf } from "./merging";

const EHRS = { is_unidentified: false, registered_here: false, created_at: "2026-11-28T08:00:00.000Z" };
const OURS = { ...EHRS, registered_here: true };
const UNKNOWN = { ...OURS, is_unidentified: true };

describe("of two records of one person", () => {
  it("the one that says who it is stays, then the one that the EHR knows, then the older one", () => {
    const younger = { ...EHRS, created_at: "2026-11-29T08:00:00.000Z" };
    for (const [stays, goes] of [[OURS, UNKNOWN], [EHRS, OURS], [EHRS, UNKNOWN], [EHRS, younger]] as const) {
      expect(survivorOf(stays, goes)).toBe(stays);
      expect(survivorOf(goes, stays)).toBe(stays);
    }
  });
});
