import { describe, expect, it } from "vitest";
import type { Order, Patient } from "../api/types";
import { announced } from "./asking";
import type { Link } from "./choice";
import { added, emptyQueue, settled, started } from "./queue";
import { fileSource } from "./read/source";
import { resultsByStudy } from "./results";
import { asUpload, documentHeaders } from "./transport";
import { judge } from "./verdict";
import { inOrder, isAttached, optionsOfPaper, ownersOf, paperOf } from "./papers";

const order = { kind: "order", order: { id: "o", patient_id: "p" } as Order, patient: null } satisfies Link;
const patient: Link = { kind: "patient", patient: { id: "p" } as Patient };
const paper = (name: string, type = "application/pdf", id = 1) => paperOf(id, fileSource(new File(["x"], name), name), type);
const reply = (status: number, body: unknown) => judge({ kind: "answer", status, body: asUpload(status, body), retryAfter: null, sent: 1 }, 1, 0);

describe("a PDF or picture among the files", () => {
  it("is nobody's until somebody says whose, and is titled by its name or its kind", () => {
    expect(isAttached(paper("disc/Referral_Dr_Meyer.pdf"))).toBe(false);
    expect(optionsOfPaper({ ...paper("disc/Referral_Dr_Meyer.pdf"), owner: order }).document).toMatchObject({ owner: { order: "o", patient: "p" }, title: "Referral Dr Meyer", kind: "referral" });
    expect(optionsOfPaper({ ...paper("IMG_2031.jpg", "image/jpeg"), owner: patient }).document).toMatchObject({ owner: { patient: "p" }, title: "Photograph", kind: "photo" });
  });

  it("for an order is sent for the patient whom the person saw, as images are", () => {
    const sent = (owner: Link) => documentHeaders(optionsOfPaper({ ...paper("a.pdf"), owner }).document!, "a.pdf")["X-Patient-Id"];
    expect(sent(order)).toBe("p");
    expect(sent({ ...order, patient: { id: "seen" } as Patient })).toBe("seen");
    expect(sent(patient)).toBe("");
  });

  it("is of whomever the server says it is of", () => {
    const verdict = reply(201, { id: "d", study_instance_uid: "1", sop_instance_uid: "1.1", mrn: "M2", patient_name: "Berg^Bo" });
    expect(verdict.kind === "done" && verdict.answer.document).toMatchObject({ mrn: "M2", patient_name: "Berg^Bo" });
  });

  it("is offered for everybody who was chosen, once, papers before pictures", () => {
    expect(ownersOf([order, { kind: "automatic" }, patient, order])).toEqual([order, patient]);
    expect(inOrder([paper("icon.png", "image/png", 1), paper("a.pdf", "application/pdf", 2)]).map(({ id }) => id)).toEqual([2, 1]);
  });

  it("is stored when a document was made, there already when it was before, refused in the server's words else", () => {
    const made = { id: "d", study_instance_uid: "1", sop_instance_uid: "1.1" };
    expect([reply(201, made), reply(200, made)].map((verdict) => verdict.kind === "done" && verdict.state)).toEqual(["stored", "duplicate"]);
    expect(reply(422, { code: "document_unreadable", detail: "damaged" })).toMatchObject({ kind: "failed", problem: { code: "document_unreadable", retryable: false } });
  });

  it("counts neither as a file of the upload nor as a study of its result", () => {
    const { group } = paper("a.pdf");
    let queue = added(emptyQueue("u"), [{ id: 1, name: "a.pdf", size: 1, group }, { id: 2, name: "IM1", size: 1, group: "1.2" }]);
    expect(announced(queue)).toBe(1);
    const made = reply(201, { id: "d", study_instance_uid: "1", sop_instance_uid: "1.1" });
    queue = settled(started(queue, 1), 1, made, 0);
    expect(resultsByStudy(queue)).toEqual([]);
  });
});
