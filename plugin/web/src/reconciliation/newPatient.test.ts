import { describe, expect, it } from "vitest";
import type { Reconciliation } from "../api/reconciliation";
import { bodyOf, fromStudy, shownOf, unconfirmed, type Confirmable } from "./newPatient";

const item = (received: Record<string, string>) => ({ received, study: { study_description: "MR knee" } }) as unknown as Reconciliation;
const ASA = { PatientID: "CD/7", PatientName: "Lindqvist^Åsa^^Dr.=漢字", PatientBirthDate: "19610314", PatientSex: "F", AccessionNumber: "A1" };

describe("a patient whom nobody has registered", () => {
  it("is what the images say", () => {
    const said = fromStudy(item(ASA));
    expect(said).toMatchObject({ mrn: "CD/7", family_name: "Lindqvist", given_name: "Åsa", middle_name: "", prefix: "Dr.", birth_date: "1961-03-14", sex: "female" });
    expect(said).toMatchObject({ with_order: true, accession_number: "A1", description: "MR knee" });
    expect(fromStudy(item({ PatientBirthDate: "1961", PatientSex: "?" }))).toMatchObject({ mrn: "", family_name: "", birth_date: "", sex: "unknown", with_order: false });
  });

  it("is not registered before each field is confirmed", () => {
    const said = fromStudy(item(ASA));
    const shown = shownOf(said, said);
    expect(shown).toEqual(["family_name", "given_name", "prefix", "birth_date", "sex", "mrn", "accession_number", "description"]);
    const confirmed = new Set<Confirmable>(["family_name", "sex", "mrn", "birth_date", "given_name"]);
    expect(unconfirmed(shown, confirmed)).toEqual(["prefix", "accession_number", "description"]);
    expect(unconfirmed(shownOf(said, { ...said, with_order: false }), confirmed)).toEqual(["prefix"]);
  });

  it("gets a number here where the images' own is not taken", () => {
    const said = fromStudy(item(ASA));
    expect(bodyOf({ ...said, mrn: "", reason: " a CD " }, "0123")).toEqual({
      mrn: null,
      patient: { family_name: "Lindqvist", given_name: "Åsa", middle_name: null, prefix: "Dr.", suffix: null, birth_date: "1961-03-14", sex: "female", issuer: null },
      order: { accession_number: "A1", description: "MR knee", modality: null, ordered_by: null, scheduled_at: null },
      reason: "a CD",
      expected: "0123",
    });
    expect(bodyOf({ ...said, with_order: false }, "0123").order).toBeNull();
  });
});
