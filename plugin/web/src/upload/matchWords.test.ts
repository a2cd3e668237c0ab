import { describe, expect, it } from "vitest";
import type { Match } from "../api/types";
import { verdictOn } from "./matchWords";
import type { StudyResult } from "./results";

const order = "o1";

function result(match: Partial<Match>): StudyResult {
  const whole: Match = { kind: "exact", score: 1, evidence: [], patient_id: "p1", order_id: "o1", ...match };
  return { studyInstanceUid: "1.2", match: whole, coerced: [], stored: 1, duplicate: 0, skipped: 0, link: null, failed: 0 };
}

describe("the words about a match", () => {
  it("are calm when the files agree with the order", () => {
    const agrees: Match["evidence"] = [{ field: "PatientID", agrees: true, grade: "same", detail: "" }];
    expect(verdictOn(result({ evidence: agrees }), order)).toMatchObject({ tone: "good", title: "Linked to this order" });
  });

  it("warn when the files name somebody else than the person confirmed", () => {
    const differs: Match["evidence"] = [{ field: "confirmation", agrees: true, grade: "same", detail: "" }, { field: "PatientID", agrees: false, grade: "other", detail: "" }];
    const words = verdictOn(result({ evidence: differs }), order);
    expect(words.tone).toBe("warn");
    expect(words.title).toContain("as you confirmed");
  });

  it("say which way it went when nobody chose an order", () => {
    expect(verdictOn(result({}), null)).toMatchObject({ tone: "good", title: "Linked to its order" });
    expect(verdictOn(result({ order_id: null }), null)).toMatchObject({ tone: "good", title: "Patient recognised" });
  });

  it("say that it was there before, and whether somebody still has to say whose it is", () => {
    const known = { ...result({}), match: null, stored: 0, skipped: 3 };
    const link = { patientId: null, orderId: null };
    expect(verdictOn(known, null)).toMatchObject({ tone: "good", title: "Already there" });
    expect(verdictOn({ ...known, link: { ...link, status: "linked" } }, order)).toMatchObject({ tone: "good", title: "Already there, and linked" });
    expect(verdictOn({ ...known, link: { ...link, status: "ambiguous" } }, null).tone).toBe("warn");
    expect(verdictOn({ ...known, failed: 1 }, null)).toMatchObject({ tone: "bad", title: "Already there in part" });
  });

  it("warn when images joined a study that is linked to somebody else than they name, and confirm nothing", () => {
    const joined: Match["evidence"] = [{ field: "study", agrees: true, grade: "same", detail: "" }, { field: "PatientName", agrees: false, grade: "other", detail: "" }];
    const words = verdictOn(result({ evidence: joined }), null);
    expect(words.tone).toBe("warn");
    expect(words.title).toContain("like the rest of the study");
    expect(words.text).not.toContain("confirmed");
    expect(verdictOn(result({ evidence: joined.slice(0, 1) }), null).tone).toBe("good");
    expect(verdictOn(result({ evidence: joined.slice(1), order_id: null }), null).tone).toBe("warn");
  });

  it("alarm when the files went to another order", () => {
    expect(verdictOn(result({ order_id: "o2" }), order).tone).toBe("bad");
    expect(verdictOn(result({ order_id: "o2", order_ids: ["o2", order] }), order).tone).toBe("good");
  });
});
