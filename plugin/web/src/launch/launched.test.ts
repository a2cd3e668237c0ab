import { describe, expect, it } from "vitest";
import { claimsOf, readLaunch, takeLaunch } from "./launched";

const target = (search: string, hash = "") => readLaunch(search, hash).target;

describe("a launch from the EHR", () => {
  it("is signed in by the token behind the #, never by one in the query", () => {
    expect(readLaunch("", "#token=a.b.c&order=ACC-1")).toEqual({ token: "a.b.c", target: { kind: "order", id: "ACC-1" } });
    expect(readLaunch("?token=a.b.c&order=ACC-1", "").token).toBeNull();
  });

  it("leads to an order, its upload, a study, two studies or a patient", () => {
    expect(target("", "#order=A&page=upload")).toEqual({ kind: "upload", order: "A" });
    expect(target("", "#study=1.2&compare=1.3")).toEqual({ kind: "study", uid: "1.2", compare: "1.3" });
    expect(target("", "#patient=MRN-1")).toEqual({ kind: "patient", id: "MRN-1", issuer: "" });
    expect(target("", "#token=t")).toEqual({ kind: "start" });
  });

  it("speaks IHE Invoke Image Display, with the token beside it", () => {
    expect(target("?requestType=STUDY&accessionNumber=ACC-1", "#token=t")).toEqual({ kind: "images", order: "ACC-1" });
    expect(target("?requestType=STUDY&studyUID=1.2,1.3")).toEqual({ kind: "study", uid: "1.2", compare: "1.3" });
    expect(target("?requestType=PATIENT&patientID=MRN-1%5E%5E%5EHOSPITAL")).toEqual({ kind: "patient", id: "MRN-1", issuer: "HOSPITAL" });
    expect(target("?requestType=PATIENT&patientID=7%5E%5E%5E%261.2.40.2%26ISO")).toEqual({ kind: "patient", id: "7", issuer: "1.2.40.2" });
    expect(target("?requestType=patient&patientid=MRN-1")).toEqual({ kind: "patient", id: "MRN-1", issuer: "" });
  });

  it("says so when it does not understand", () => {
    for (const search of ["?requestType=STUDY", "?requestType=PATIENT", "?requestType=REPORT&accessionNumber=1"]) {
      expect(target(search)).toEqual({ kind: "unknown" });
    }
  });

  it("can be taken once", () => {
    const from = { ehrLaunch: { search: "", hash: "#token=t" } } as Window;
    expect(takeLaunch(from)?.token).toBe("t");
    expect(takeLaunch(from)).toBeNull();
  });
});

describe("a token's claims", () => {
  it("are read whatever they hold", () => {
    const token = (claims: unknown) => `x.${btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(claims))))}.y`;
    expect(claimsOf(token({ exp: 1_800_000_000, sub: "åsa" }))).toEqual({ expiresAt: "2027-01-15T08:00:00.000Z", subject: "åsa" });
    for (const odd of ["", "a.b", "a.!!.c", token("text"), token({ exp: "soon" })]) expect(claimsOf(odd)).toEqual({ expiresAt: "", subject: "" });
  });
});
