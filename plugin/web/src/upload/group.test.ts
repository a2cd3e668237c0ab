import { describe, expect, it } from "vitest";
import { grouped, type ReadFile } from "./group";
import type { Header } from "./read/header";

const file = (id: number, header: Partial<Header>): ReadFile => ({
  id, name: `IM${id}`, size: 100,
  header: {
    sopInstanceUid: `1.${id}`, studyInstanceUid: "S", seriesInstanceUid: "E", patientId: "M-1", patientName: "Doe^Jane", birthDate: "",
    sex: "", accessionNumber: "", issuerOfPatientId: "", universalIssuerOfPatientId: "", issuerOfAccessionNumber: "", scheduledProcedureStepId: "", requestedProcedureId: "", bodyPart: "", laterality: "", imageLaterality: "", referringPhysician: "", studyDate: "", studyDescription: "", seriesDescription: "", seriesNumber: "1", instanceNumber: String(id),
    modality: "MR", institution: "", transferSyntax: "", ...header,
  },
});

describe("files as patients, studies and series", () => {
  it("are counted and weighed", () => {
    const patients = grouped([
      file(1, {}), file(2, {}), file(3, { seriesInstanceUid: "F", seriesNumber: "0" }),
      file(4, { studyInstanceUid: "T", patientId: "M-2", patientName: "Roe^Rob" }),
      file(5, { studyInstanceUid: "U" }),
    ]);
    expect(patients.map(({ header, studies }) => [header.patientId, studies.map(({ uid }) => uid)])).toEqual([["M-1", ["S", "U"]], ["M-2", ["T"]]]);
    expect(patients[0]?.studies[0]).toMatchObject({ bytes: 300, fileIds: [1, 2, 3], mixed: [] });
    expect(patients[0]?.studies[0]?.series.map(({ uid, files }) => [uid, files])).toEqual([["F", 1], ["E", 2]]);
  });

  it("show a study whose files name different people", () => {
    const study = grouped([file(1, {}), file(2, { patientId: "M-9" })])[0]?.studies[0];
    expect(study?.mixed).toEqual(["patientId"]);
  });

  it("are asked about once for each way in which they say whose they are", () => {
    const study = grouped([file(1, {}), file(2, { sex: "F" }), file(3, {}), file(4, { patientName: "DOE^JANE" })])[0]?.studies[0];
    expect(study?.variants.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(["1.1", "1.2", "1.4"]);
  });

  it("are pictured by the middle of a series", () => {
    const series = grouped([file(3, {}), file(1, {}), file(2, {})])[0]?.studies[0]?.series[0];
    expect(series?.middle).toBe(2);
  });
});
