import { describe, expect, it } from "vitest";
import { DEFAULTS, filterOf, SORTS } from "./listFilter";
import { archiveName } from "./words";

const place = { q: "", filters: DEFAULTS, sort: SORTS[0], offset: 0 };

describe("the list of studies", () => {
  it.each([
    ["name", "patient_name"],
    ["mrn", "patient"],
    ["accession", "accession_number"],
    ["anything", "patient_name"],
  ])("searches by %s in %s", (chosen, parameter) => {
    expect(filterOf({ ...place, q: "x", filters: { ...DEFAULTS, in: chosen } })).toMatchObject({ [parameter]: "x" });
  });

  it("asks for nothing the server would refuse, whatever the address says", () => {
    const filters = { ...DEFAULTS, link: "maybe", from: "yesterday", to: "2026-02-30x" };
    expect(filterOf({ ...place, filters, sort: "-mrn" })).toMatchObject({
      link_status: "",
      from: "",
      to: "",
      sort: "-created_at",
    });
  });
});

describe("a downloaded study's file name", () => {
  it("says its accession number, else its UID, and nothing a file system stumbles over", () => {
    expect(archiveName({ accession_number: "A/1 2", study_instance_uid: "1.2" })).toBe("A_1_2.zip");
    expect(archiveName({ accession_number: null, study_instance_uid: "1.2.3" })).toBe("1.2.3.zip");
  });
});
