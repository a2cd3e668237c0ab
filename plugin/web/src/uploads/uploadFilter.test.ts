import { describe, expect, it } from "vitest";
import { asksForAll, DEFAULTS, filterOf, NO_TEXTS } from "./uploadFilter";

const place = { q: "", texts: {}, filters: DEFAULTS, sort: "", offset: 0 };

describe("the upload history", () => {
  it("is searched by sender, patient, file and address, by one or by several at once", () => {
    expect(filterOf({ ...place, texts: { who: "rita", mrn: "M-1" } })).toMatchObject({ uploaded_by: "rita", patient: "M-1", issuer: "", file_name: "" });
    const ofA = { ...DEFAULTS, issuer: "SITE-A" };
    expect(filterOf({ ...place, texts: { mrn: "7" }, filters: ofA })).toMatchObject({ patient: "7", issuer: "SITE-A" });
    expect(filterOf({ ...place, filters: ofA })).toMatchObject({ patient: "", issuer: "" });
    expect(filterOf({ ...place, texts: { file: "IM1", address: "192.0.2.7" } })).toMatchObject({ file_name: "IM1", source_address: "192.0.2.7" });
  });

  it("asks for nothing the server would refuse, whatever the address says", () => {
    const filters = { ...DEFAULTS, status: "maybe", source: "pigeon", study: "1.2; DROP", from: "yesterday", to: "2026-1-1" };
    expect(filterOf({ ...place, filters })).toEqual({
      uploaded_by: "", patient: "", issuer: "", file_name: "", source_address: "", upload_status: "", upload_source: "", study: "", from: "", to: "", offset: 0,
    });
  });

  it("asks for whole days and keeps every filter beside the others", () => {
    const filters = { ...DEFAULTS, status: "partial", source: "cd_import", study: "1.2.3", from: "2026-11-24", to: "2026-11-24" };
    const asked = filterOf({ ...place, filters, offset: 50 });
    expect(asked).toMatchObject({ upload_status: "partial", upload_source: "cd_import", study: "1.2.3", offset: 50 });
    expect(Date.parse(asked.to) - Date.parse(asked.from)).toBe(24 * 60 * 60 * 1000);
  });

  it("knows when it was not narrowed at all", () => {
    expect(asksForAll({ texts: NO_TEXTS, filters: DEFAULTS })).toBe(true);
    expect(asksForAll({ texts: {}, filters: { ...DEFAULTS, status: "partial" } })).toBe(false);
    expect(asksForAll({ texts: { who: "rita" }, filters: DEFAULTS })).toBe(false);
  });
});
