// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Order } from "../api/types";
import { shown } from "../testing/page";
import { paperOf } from "./papers";
import { PaperResults } from "./PaperResults";
import { added, emptyQueue, settled, started } from "./queue";
import { fileSource } from "./read/source";
import { asUpload } from "./transport";
import { judge } from "./verdict";

it("a document is shown with the person of the answer, not with whom the page believed it to be of", () => {
  const owner = { kind: "order", order: { id: "o", patient_name: "Lindqvist^Asa" } as Order, patient: null } as const;
  const paper = { ...paperOf(1, fileSource(new File(["x"], "a.pdf"), "a.pdf"), "application/pdf"), owner };
  const body = { id: "d", study_instance_uid: "1", sop_instance_uid: "1.1", mrn: "M2", patient_name: "Berg^Bo", patient_birth_date: null, patient_sex: "male" };
  const queue = started(added(emptyQueue("u"), [{ id: 1, name: "a.pdf", size: 1, group: paper.group }]), 1);
  const verdict = judge({ kind: "answer", status: 201, body: asUpload(201, body), retryAfter: null, sent: 1 }, 1, 0);
  shown(<PaperResults papers={[paper]} queue={settled(queue, 1, verdict, 0)} />, {});
  const row = screen.getByRole("listitem").textContent;
  expect(row).toContain("Berg");
  expect(row).not.toContain("Lindqvist");
});
