import { describe, expect, it } from "vitest";
import { nameOf, namesakes, ofFiles, ofPatient, type Whom } from "./whom";
import type { Patient } from "../api/types";

const anna = (mrn: string, name = "Smith^Anna", issuer: string | null = null): Whom => ({ name, birthDate: null, sex: "female", mrn, issuer });

describe("people of one name", () => {
  it("are those with another number, whatever the case; one person twice is no namesake", () => {
    const list = [anna("1"), anna("2", "SMITH^ANNA"), anna("3", "Smith^Bea"), anna("3", "Smith^Bea")];
    expect(list.map(namesakes(list))).toEqual([true, true, false, false]);
  });

  it("are those with the same number of another issuer", () => {
    const list = [anna("1", "Smith^Anna", "A"), anna("1", "Smith^Anna", "B"), anna("2", "Smith^Bea", "A"), anna("2", "Smith^Bea", "A")];
    expect(list.map(namesakes(list))).toEqual([true, true, false, false]);
  });

  it("are not those without a number, who may be the same person", () => {
    const list = [anna("1"), { ...anna("1"), mrn: null }];
    expect(list.map(namesakes(list))).toEqual([false, false]);
  });

  it("are not all those whose name nobody knows", () => {
    const list = [anna("1", ""), anna("2", "")];
    expect(list.map(namesakes(list))).toEqual([false, false]);
  });
});

describe("who somebody is", () => {
  it("is read from what files say, as far as that is well-formed", () => {
    expect(ofFiles({ patientName: "Doe^P", birthDate: "19450102", sex: "M" })).toEqual({ name: "Doe^P", birthDate: "1945-01-02", sex: "male", mrn: null, issuer: null });
    expect(ofFiles({ patientName: "", birthDate: "1945", sex: "?" })).toEqual({ name: "", birthDate: null, sex: "unknown", mrn: null, issuer: null });
  });

  it("leaves out the parts of a name that nobody knows", () => {
    expect(ofPatient({ family_name: "Doe", given_name: null, birth_date: null, sex: "unknown", mrn: "1" } as Patient).name).toBe("Doe");
    expect(nameOf({ family_name: "Doe", given_name: "Jane", middle_name: null, prefix: null, suffix: "MD, PhD" })).toBe("Doe^Jane^^^MD, PhD");
  });
});
