import { afterEach, describe, expect, it } from "vitest";
import { setLanguage } from ".";
import { reasonOf } from "./reason";

describe("why something fits or does not", () => {
  afterEach(() => setLanguage("en"));

  const other = { detail: "another family name, only an initial for the given name", reasons: ["family_name_different", "given_name_initial"], values: {} };

  it("is said in the reader's language", async () => {
    expect(reasonOf(other)).toBe(other.detail);
    await setLanguage("de");
    expect(reasonOf(other)).toBe("ein anderer Nachname, vom Vornamen nur der Anfangsbuchstabe");
  });

  it("names the values as they stand, and days as days", () => {
    expect(reasonOf({ detail: "", reasons: ["image_other"], values: { file: "{ehr}", ehr: "CR" } })).toBe("{ehr}, but CR is ordered");
    expect(reasonOf({ detail: "", reasons: ["linked_before"], values: { date: "2026-03-01" } })).toBe("as when this study was linked on 01 Mar 2026");
  });

  it("is the server's own words where there are no others", () => {
    expect(reasonOf({ detail: "recorded long ago" })).toBe("recorded long ago");
    expect(reasonOf({ detail: "new here", reasons: ["sex_other", "constructor"], values: {} })).toBe("new here");
  });
});
