import { describe, expect, it } from "vitest";
import type { UploadEntry } from "../api/uploads";
import { changesOnArrival } from "./arrival";

const entry = (more: Partial<UploadEntry>) =>
  ({
    original_patient_id: "SCAN-7",
    original_patient_name: "DOE^JANE",
    original_accession_number: null,
    modified_patient_id: null,
    modified_patient_name: null,
    modified_accession_number: null,
    ...more,
  }) as UploadEntry;

describe("what was changed on arrival", () => {
  it("is what became another value", () => {
    expect(changesOnArrival(entry({ modified_patient_id: "MRN-1", modified_patient_name: "DOE^JANE", modified_accession_number: "A1" }))).toEqual([
      { tag: "PatientID", before: "SCAN-7", after: "MRN-1" },
      { tag: "AccessionNumber", before: "", after: "A1" },
    ]);
  });

  it("is nothing where the file was taken as it came", () => {
    expect(changesOnArrival(entry({}))).toEqual([]);
  });
});
