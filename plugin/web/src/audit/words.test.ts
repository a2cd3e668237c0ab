import { describe, expect, it } from "vitest";
import { nextOf } from "../api/audit";
import { ACTIONS, detailLines } from "./words";

describe("the audit page", () => {
  it("offers each action once", () => {
    expect(ACTIONS).toContain("deletion.approved");
    expect(new Set(ACTIONS).size).toBe(ACTIONS.length);
    expect(ACTIONS).not.toContain("all");
  });

  it("shows an event's details as text, without those that say nothing", () => {
    expect(detailLines({ door: "upload", coerced: ["PatientID", "PatientName"], none: null, empty: [] })).toEqual([
      "Door: upload",
      "Coerced: PatientID, PatientName",
    ]);
  });
});

describe("the next page of an export", () => {
  it("is where the Link header says, on our own server only", () => {
    expect(nextOf('</api/v1/audit/export?format=csv&after_id=3>; rel="next"')).toBe("/api/v1/audit/export?format=csv&after_id=3");
    expect(nextOf('<https://elsewhere.example/api/v1/audit/export?x>; rel="next"')).toBeNull();
    expect(nextOf(null)).toBeNull();
  });
});
