// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Patient } from "../api/types";
import { shown } from "../testing/page";
import { PatientDialog } from "./PatientDialog";

const ANNA = {
  id: "p1", mrn: "MRN-1", issuer: null, family_name: "Berg", given_name: "Anna", middle_name: null, prefix: null, suffix: null, birth_date: "1970-05-06", sex: "female",
  merged_into_id: null, pending_change_id: null, registered_here: false, differs_from_ehr: false, ehr_says: {}, is_unidentified: false, approximate_age: null,
  as_of: null, created_at: "2026-11-01T08:00:00.000Z", updated_at: "2026-11-01T08:00:00.000Z",
} as Patient;
type Answers = NonNullable<Parameters<typeof shown>[1]>;
const NO_AUTHORITIES: Answers = { "GET authorities": [200, { items: [] }] };
const NOBODY: Answers = { "GET patients": [200, { items: [], total: 0 }] };

function dialog(patient: Patient | null, answers: Answers = {}) {
  const onDone = vi.fn();
  const { asked } = shown(<PatientDialog patient={patient} onDone={onDone} onClose={vi.fn()} />, { ...NO_AUTHORITIES, ...NOBODY, ...answers });
  return { asked, onDone, user: userEvent.setup(), sent: (method: string) => asked.filter((one) => one.method === method) };
}

describe("registering a patient", () => {
  it("sends nothing without a family name, says so at the field and goes there", async () => {
    const { user, sent } = dialog(null);
    await user.click(screen.getByRole("button", { name: "Register" }));
    const name = screen.getByRole("textbox", { name: "Family name" });
    expect(name.getAttribute("aria-invalid")).toBe("true");
    await waitFor(() => expect(document.activeElement).toBe(name));
    expect(sent("POST")).toEqual([]);
  });

  it("is done with the keyboard alone, once", async () => {
    const { user, sent, onDone } = dialog(null, { "POST patients": [201, ANNA] });
    screen.getByRole("textbox", { name: "Family name" }).focus();
    await user.keyboard("Berg{Tab}Anna{Enter}");
    await waitFor(() => expect(onDone).toHaveBeenCalledWith(ANNA));
    expect(sent("POST").map(({ path, body }) => [path, body])).toEqual([["patients", expect.objectContaining({ family_name: "Berg", given_name: "Anna", birth_date: null, sex: "unknown" })]]);
  });

  it("shows who is registered under that name already", async () => {
    const { user } = dialog(null, { "GET patients": [200, { items: [ANNA], total: 1 }] });
    await user.type(screen.getByRole("textbox", { name: "Family name" }), "Berg");
    await user.tab();
    expect(await screen.findByText("Already registered under this name. Is it one of them?")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Open the patient" }).getAttribute("href")).toBe("/patients/p1");
  });

  it("shows what the server says of a field at that field", async () => {
    const refusal = { code: "invalid_request", errors: [{ field: "given_name", message: "at most 31 characters" }] };
    const { user } = dialog(null, { "POST patients": [422, refusal] });
    await user.type(screen.getByRole("textbox", { name: "Family name" }), "Berg");
    await user.click(screen.getByRole("button", { name: "Register" }));
    await waitFor(() => expect(screen.getByRole("textbox", { name: "Given names" }).getAttribute("aria-invalid")).toBe("true"));
  });
});

describe("correcting a patient", () => {
  const answers: Answers = { "GET patients/p1": [200, ANNA], "PUT patients/p1": [200, ANNA] };

  it("asks why where the EHR said otherwise", async () => {
    const { user, sent, onDone } = dialog(ANNA, answers);
    const given = screen.getByRole("textbox", { name: "Given names" });
    await user.clear(given);
    await user.type(given, "Anne");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(sent("PUT")).toEqual([]);
    await user.type(screen.getByRole("textbox", { name: "Reason" }), "passport seen");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(onDone).toHaveBeenCalled());
    expect(sent("PUT")[0]?.body).toMatchObject({ given_name: "Anne", birth_date: "1970-05-06", reason: "passport seen" });
  });

  it("asks no reason for what only the desk has said", async () => {
    const { user, onDone } = dialog({ ...ANNA, registered_here: true }, { ...answers, "GET patients/p1": [200, { ...ANNA, registered_here: true }] });
    expect(screen.queryByRole("textbox", { name: /Reason/ })).toBeNull();
    await user.type(screen.getByRole("textbox", { name: "Given names" }), "e");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(onDone).toHaveBeenCalled());
  });

  it("writes over nothing that somebody else has saved meanwhile", async () => {
    const { user, sent } = dialog({ ...ANNA, registered_here: true }, { ...answers, "GET patients/p1": [200, { ...ANNA, updated_at: "2026-11-02T08:00:00.000Z" }] });
    await user.type(screen.getByRole("textbox", { name: "Given names" }), "e");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByRole("button", { name: "Load again" })).toBeTruthy();
    expect(sent("PUT")).toEqual([]);
  });
});
