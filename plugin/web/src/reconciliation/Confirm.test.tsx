// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { useState } from "react";
import { flushSync } from "react-dom";
import { describe, expect, it } from "vitest";
import type { Candidate, Reconciliation } from "../api/reconciliation";
import { shown } from "../testing/page";
import { ofCandidate } from "./choice";
import { Confirm } from "./Confirm";

/** A busy machine is slow; nothing here is about speed. */
const UNHURRIED = { timeout: 20_000 };

const SAID = { PatientID: "CD/7", PatientName: "ZORN^KLARA", PatientBirthDate: "19610314" };
const candidate = { patient_id: "p", order_id: null, patient_name: "ZORN^KLARA", sex: "female", birth_date: "1961-03-14", mrn: "M-7", issuer: null, accession_number: null, kind: "probable", evidence: [], differences: [] } as unknown as Candidate;
const item = (uid: string) =>
  ({
    study: { study_instance_uid: uid, number_of_instances: 1, study_date: "2026-01-02", modalities: ["CR"], study_description: uid },
    received: SAID, candidates: [candidate], version: `v${uid}`, job: null, why: "unlinked",
  }) as unknown as Reconciliation;

/** As on the page: the dialog is gone before the server answers about the second study. */
function Page() {
  const [isOpen, setOpen] = useState(true);
  return isOpen ? <Confirm item={item("1")} choice={ofCandidate(candidate)} onClose={() => flushSync(() => setOpen(false))} onStarted={() => undefined} /> : null;
}

describe("a decision about several studies", () => {
  it("says how many of them are being linked, when its dialog is gone", UNHURRIED, async () => {
    const { asked } = shown(<Page />, {
      "GET reconciliation": [200, { items: ["1", "2", "3"].map(item), total: 3 }],
      "GET reconciliation/1/compare": [200, candidate],
      "POST reconciliation/1/link": [202, { id: "j1" }],
      "POST reconciliation/2/link": [202, { id: "j2" }],
      "POST reconciliation/3/link": [409, { code: "changed_meanwhile" }],
    });
    for (const box of await screen.findAllByRole("checkbox", {}, UNHURRIED)) await userEvent.click(box);
    await userEvent.type(screen.getByLabelText(/^Reason/), "hers");
    await userEvent.click(screen.getByRole("button", { name: "Link" }));
    await screen.findByText("1 of 2 further studies are being linked.", {}, UNHURRIED);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(asked.filter(({ method }) => method === "POST").map(({ path }) => path)).toEqual(["reconciliation/1/link", "reconciliation/2/link", "reconciliation/3/link"]);
  });
});
