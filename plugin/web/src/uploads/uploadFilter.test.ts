import { describe, expect, it } from "vitest";
import { asksForAll, DEFAULTS, filterOf } from "./uploadFilter";

const place = { q: "", filters: DEFAULTS, sort: "", offset: 0 };

describe("the upload history", () => {
  it.each([
    ["who", "uploaded_by"],
    ["mrn", "patient"],
    ["file", "file_name"],
    ["address", "source_address"],
    ["anything", "uploaded_by"],
  ])("searches by %s in %s", (chosen, parameter) => {
    expect(filterOf({ ...place, q: "x", filters: { ...DEFAULTS, in: chosen } })).toMatchObject({ [parameter]: "x" });
  });

  it("asks for nothing the server would refuse, whatever the address says", () => {
    const filters = { ...DEFAULTS, status: "maybe", source: "pigeon", study: "1.2; DROP", from: "yesterday", to: "2026-1-1" };
    expect(filterOf({ ...place, filters })).toEqual({
      uploaded_by: "", upload_status: "", upload_source: "", study_instance_uid: "", from: "", to: "", offset: 0,
    });
  });

  it("asks for whole days and keeps every filter beside the others", () => {
    const filters = { ...DEFAULTS, status: "partial", source: "cd_import", study: "1.2.3", from: "2026-11-24", to: "2026-11-24" };
    const asked = filterOf({ ...place, filters, offset: 50 });
    expect(asked).toMatchObject({ upload_status: "partial", upload_source: "cd_import", study_instance_uid: "1.2.3", offset: 50 });
    expect(Date.parse(asked.to) - Date.parse(asked.from)).toBe(24 * 60 * 60 * 1000);
  });

  it("knows when it was not narrowed at all", () => {
    expect(asksForAll({ q: "", filters: { ...DEFAULTS, in: "mrn" } })).toBe(true);
    expect(asksForAll({ q: "", filters: { ...DEFAULTS, status: "partial" } })).toBe(false);
    expect(asksForAll({ q: "rita", filters: DEFAULTS })).toBe(false);
  });
});
