import { describe, expect, it } from "vitest";
import { studyLine } from "./words";

const STUDY = { modalities: ["CT"], study_date: "2026-11-24", accession_number: "A1", number_of_instances: 320, number_of_series: 4 };

describe("a study in one line", () => {
  it("leaves out what is not known", () => {
    expect(studyLine(STUDY)).toBe("CT · 24 Nov 2026 · A1 · 320 images in 4 series");
    expect(studyLine({ ...STUDY, modalities: [], study_date: null, accession_number: null })).toBe("320 images in 4 series");
  });
});
