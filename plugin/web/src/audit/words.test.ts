import { afterEach, describe, expect, it } from "vitest";
import { nextOf } from "../api/audit";
import { setLanguage, word } from "../i18n";
import { de } from "../i18n/de";
import { en } from "../i18n/en";
import { LANGUAGES } from "../i18n/languages";
import { ACTIONS, detailLines, technicalLines } from "./words";

const PREFIX = "audit.detail.";
/** Whatever an event may say in detail. */
const NAMES = Object.keys(en).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
const ID = "f27f3fa9-19dc-4126-9846-b2bcf2086b50";
/** As events have them: words, numbers, moments, lists, and objects in objects. */
const VALUES = ["in_progress", "2026-11-24T09:43:25+00:00", "1961-03-14", "1.2.826.0.1", 16, true, false, ["PatientID", "PatientName"], { link: { before: { order_id: ID }, after: null }, rows: { orders: 2 } }, { PatientBirthDate: "1961-03-14" }];
const RAW = /[{}[\]"]|\b(true|false|null|undefined)\b|\d{4}-\d{2}-\d{2}(T|\b)|\b\w+_\w+:/;

afterEach(() => setLanguage("en"));

describe("the audit page", () => {
  it("offers each action once", () => {
    expect(ACTIONS).toContain("deletion.approved");
    expect(new Set(ACTIONS).size).toBe(ACTIONS.length);
    expect(ACTIONS).not.toContain("all");
  });

  it("shows an event's details as text, without those that say nothing", () => {
    expect(detailLines({ door: "upload", coerced: ["PatientID", "PatientName"], none: null, empty: [] })).toEqual([
      "Came by: Upload",
      "Corrected in the files: Patient ID, Patient name",
    ]);
    expect(detailLines({ before: "scheduled", minutes: 1500, has_pin: true, PatientSex: "F" })).toEqual(["Before: Scheduled", "Minutes: 1,500", "With a PIN: Yes", "Sex: F"]);
  });

  it("keeps ids and routes beside what people read", () => {
    const detail = { code: "patient_restricted", route: "GET orders/{order_id}", request_id: ID, share_id: ID, target_study_instance_uid: "1.2.3", reason: "wrong_patient", seconds: 432_000 };
    expect(detailLines(detail)).toEqual(["Why: Patient restricted to other people", "Reason: Wrong patient", "Duration: 5 days"]);
    expect(detailLines({ ...detail, seconds: 756 }).at(-1)).toBe("Duration: 12.6 minutes");
    expect(technicalLines(detail)).toEqual(["Route: GET orders/{order_id}", `Request: ${ID}`, `Link id: ${ID}`, "New study: 1.2.3"]);
  });

  it.each(Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[])("says every action and every detail in words (%s)", async (language) => {
    await setLanguage(language);
    for (const action of ACTIONS) expect(word("audit.action", action)).not.toMatch(/[a-z]\.[a-z]|_/);
    for (const name of NAMES) {
      for (const value of VALUES) {
        for (const line of [...detailLines({ [name]: value }), ...technicalLines({ [name]: value })]) expect(line.replace("in_progress", "")).not.toMatch(RAW);
      }
    }
  });

  it("has German names of its own, but for those that both languages share", () => {
    const alike = NAMES.filter((name) => de[`${PREFIX}${name}` as keyof typeof de] === en[`${PREFIX}${name}` as keyof typeof en]);
    expect(alike).toEqual(["bytes", "form", "format", "name", "route", "sha256", "sop_instance_uid", "transaction_uid"]);
  });
});

describe("the next page of an export", () => {
  it("is where the Link header says, on our own server only", () => {
    expect(nextOf('</api/v1/audit/export?format=csv&after_id=3>; rel="next"')).toBe("/api/v1/audit/export?format=csv&after_id=3");
    expect(nextOf('<https://elsewhere.example/api/v1/audit/export?x>; rel="next"')).toBeNull();
    expect(nextOf(null)).toBeNull();
  });
});
