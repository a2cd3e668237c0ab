// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Patient } from "../api/types";
import { shown } from "../testing/page";
import { MergeDialog } from "./MergeDialog";

const patient = (more: Partial<Patient>) =>
  ({
    issuer: null, middle_name: null, prefix: null, suffix: null, birth_date: null, sex: "male", merged_into_id: null, registered_here: false, is_unidentified: false,
    created_at: "2026-11-01T08:00:00.000Z", ...more,
  }) as Patient;
const UNKNOWN = patient({ id: "u", mrn: "L0000017", family_name: "Unidentified", given_name: "Alfa Bravo", is_unidentified: true, registered_here: true });
const JOHN = patient({ id: "j", mrn: "MRN-7", family_name: "Doe", given_name: "John" });
const PREVIEW = { merged: UNKNOWN, survivor: JOHN, orders: [{ id: "o", accession_number: "A1", description: "CT", modality: "CT", status: "arrived" }], studies: [], number_of_images: 12, number_waiting: 1, restriction: "survivor", open_to: 3 };

function merging() {
  const onDone = vi.fn();
  const { asked } = shown(<MergeDialog patient={UNKNOWN} onDone={onDone} onClose={vi.fn()} />, {
    "GET authorities": [200, { items: [] }],
    "GET patients": [200, { items: [UNKNOWN, JOHN], total: 2 }],
    "POST patients/u/merge/preview": [200, PREVIEW],
    "POST patients/j/merge/preview": [200, { ...PREVIEW, merged: JOHN, survivor: UNKNOWN, restriction: "none", open_to: null }],
    "POST patients/u/merge": [202, { id: "c1" }],
  });
  return { onDone, asked, user: userEvent.setup() };
}

describe("merging two records", () => {
  it("keeps the one that says who it is, shows first what will change, and asks why", async () => {
    const { onDone, asked, user } = merging();
    await user.type(screen.getByRole("searchbox", { name: "The other record" }), "Doe");
    await user.click(await screen.findByRole("button", { name: "Merge with MRN-7" }));
    expect(await screen.findByText("12 images get the name and number of the record that stays")).toBeTruthy();
    expect(screen.getByText("3 people may see the patient then.")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Merge" }));
    expect(asked.some(({ path }) => path === "patients/u/merge")).toBe(false);
    await user.type(screen.getByRole("textbox", { name: "Reason" }), "identity card");
    await user.click(screen.getByRole("button", { name: "Merge" }));
    await waitFor(() => expect(onDone).toHaveBeenCalledWith("j"));
    expect(asked.find(({ path }) => path === "patients/u/merge")?.body).toEqual({ into: "j", reason: "identity card" });
  });

  it("does not offer the record itself, and warns where the name would be lost", async () => {
    const { user } = merging();
    await user.type(screen.getByRole("searchbox", { name: "The other record" }), "Doe");
    await screen.findByRole("button", { name: "Merge with MRN-7" });
    expect(screen.queryByRole("button", { name: "Merge with MRN L0000017" })).toBeNull();
    await user.click(screen.getByRole("button", { name: "Merge with MRN-7" }));
    await user.click(screen.getByRole("radio", { name: /Unidentified/ }));
    expect(await screen.findByText("The record that stays has no real name. Keep the other one, unless you are sure.")).toBeTruthy();
  });
});
