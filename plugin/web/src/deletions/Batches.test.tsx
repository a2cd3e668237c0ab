// @vitest-environment happy-dom
import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Batch } from "../api/retention";
import { shown } from "../testing/page";
import { Batches } from "./Batches";

const study = {
  study_instance_uid: "1.2.3", study_description: "Thorax", modalities: ["CT"], patient_name: "DOE^JANE", mrn: "M1", patient_sex: "F", patient_birth_date: "1970-01-31",
  study_date: "2014-05-05", number_of_instances: 12, number_of_series: 1,
};
const batch = {
  batch_id: "b1", requested_by: "tom", requested_at: "2026-11-30T10:00:00Z", reason: "retention (CT=10 years)", number_of_studies: 120, number_of_instances: 4000,
  first_date: "2014-05-05", last_date: "2016-11-01", sample: [study],
} as unknown as Batch;
const answers = (of: Batch, done: [number, unknown]) => ({ "GET retention/batches": [200, { batches: [of] }] as [number, unknown], "POST retention/batches/b1/approve": done });

describe("deletions that were requested together", () => {
  it("are approved after a look at how many and which, with the number that was seen", async () => {
    const done = { batch_id: "b1", number_of_studies: 119, left_out: [{ study_instance_uid: "9.9", code: "study_on_hold" }] };
    const { asked } = shown(<Batches />, answers(batch, [200, done]), ["approve_deletion"]);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Approve all 120" }));
    const dialog = screen.getByRole("dialog");
    expect(dialog.textContent).toContain("Thorax");
    expect(dialog.textContent).toContain("retention (CT=10 years)");
    await user.click(within(dialog).getByRole("button", { name: "Approve all 120" }));
    await waitFor(() => expect(asked.find(({ method }) => method === "POST")?.body).toEqual({ number_of_studies: 120 }));
    expect(await screen.findByText("1 study was left out")).toBeTruthy();
    expect(screen.getByText(/on hold/)).toBeTruthy();
  });

  it("can be withdrawn by the one who asked, who never approves them", async () => {
    shown(<Batches />, answers({ ...batch, requested_by: "nora" }, [200, {}]), ["approve_deletion", "request_deletion"]);
    expect(await screen.findByRole("button", { name: "Withdraw all 120" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: /^Approve/ })).toBeNull();
  });

  it("say so when another number waits by now", async () => {
    shown(<Batches />, answers(batch, [409, { code: "batch_changed", detail: "119 requests wait now, not 120." }]), ["approve_deletion"]);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Approve all 120" }));
    const dialog = screen.getByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Approve all 120" }));
    expect(await within(dialog).findByRole("alert")).toBeTruthy();
  });
});
