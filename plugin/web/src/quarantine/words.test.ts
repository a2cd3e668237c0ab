import { describe, expect, it } from "vitest";
import { consequence, fileTitle, whyWords } from "./words";

const study = {
  study_instance_uid: "1.2",
  link_status: "linked" as const,
  patient_id: "p1",
  mrn: "MRN-1",
  issuer: null,
  patient_name: "Berg^Nils",
  patient_birth_date: null,
  patient_sex: "male" as const,
  order_id: "o1",
  order_ids: ["o1", "o2"],
};

describe("a file in quarantine", () => {
  it("is named by what it says, as far as it says anything", () => {
    expect(fileTitle({ said: { PatientName: "OKAFOR^ADA", StudyDescription: "MR brain" }, sha256: "ab" })).toContain("MR brain");
    expect(fileTitle({ said: { PatientID: "7" }, sha256: "ab" })).toBe("7");
    expect(fileTitle({ said: {}, sha256: "0123456789abcdef" })).toBe("0123456789ab");
  });

  it("says why it is here, and what it will be, before anything is done", () => {
    expect(whyWords("invalid_uid")).toContain("UID");
    expect(whyWords("a_code_of_tomorrow")).toBe("a_code_of_tomorrow");
    const stranger = { code: "study_of_another_patient", study };
    expect(consequence(stranger, "p1", null)).toContain("is added to the study");
    expect(consequence(stranger, "p1", "o1")).toContain("is added to the study");
    expect(consequence(stranger, "p1", "o2")).toContain("is added to the study");
    expect(consequence(stranger, "p1", "o3")).toContain("with new UIDs");
    expect(consequence(stranger, "p2", null)).toContain("with new UIDs");
    expect(consequence({ code: "same_uid_other_content", study }, "p1", null)).toContain("a new UID");
  });
});
