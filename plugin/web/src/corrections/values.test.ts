import { describe, expect, it } from "vitest";
import { hasComma, joinName, splitName, withoutComma } from "./nameParts";
import { dicomOf, isSame, isoOf, kindOf } from "./values";

describe("a person's name", () => {
  it.each(["Schmidt^Anne", "Schmidt", "Schmidt^Anne^Maria^Dr.^MD, PhD", "^Anne", "", "Yamada^Tarou=山田^太郎=やまだ^たろう"])("comes back from its parts: %s", (name) => {
    expect(joinName(splitName(name))).toBe(name);
  });

  it("is one part per field", () => {
    expect(splitName("Schmidt^Anne^Maria^Dr.^MD, PhD")).toEqual({ family: "Schmidt", given: "Anne", middle: "Maria", prefix: "Dr.", suffix: "MD, PhD", others: "" });
  });

  it("keeps its other writings when a part is corrected", () => {
    expect(joinName({ ...splitName("Yamada^Taro=山田^太郎"), given: "Tarou" })).toBe("Yamada^Tarou=山田^太郎");
  });

  it("holds nothing that separates parts", () => {
    expect(joinName({ ...splitName(""), family: "A^B=C\\D", given: " E " })).toBe("ABCD^E");
  });

  it("is family and given name when it is typed with a comma", () => {
    expect(withoutComma({ ...splitName(""), family: "Schmidt, Anne" })).toEqual(splitName("Schmidt^Anne"));
    for (const name of ["Schmidt, Anne^Maria", "Schmidt, Anne, MD", "Schmidt,", "Schmidt"]) expect(withoutComma(splitName(name))).toEqual(splitName(name));
  });

  it("has a comma in prefix and suffix only", () => {
    expect(["Schmidt, Anne^Maria", "A^B, C", "A^B=山田、^C"].map(hasComma)).toEqual([true, true, true]);
    expect(["Schmidt^Anne^^^MD, PhD", "Schmidt", ""].map(hasComma)).toEqual([false, false, false]);
  });

  it("is the same whatever empty parts follow", () => {
    expect(isSame("PatientName", "Schmidt^Anne^^", "Schmidt^Anne")).toBe(true);
    expect(isSame("PatientName", "Schmidt^Anne", "Schmidt^Anna")).toBe(false);
    expect(isSame("PatientID", "A^", "A")).toBe(false);
  });
});

describe("a day", () => {
  it("is written as DICOM writes it and shown as a calendar shows it", () => {
    expect([isoOf("20260131"), dicomOf("2026-01-31"), isoOf("2026"), dicomOf("")]).toEqual(["2026-01-31", "20260131", "", ""]);
    expect(["PatientBirthDate", "StudyDate", "PatientName", "PatientSex", "Laterality", "StudyDescription"].map(kindOf)).toEqual(["day", "day", "name", "choice", "choice", "text"]);
  });
});
