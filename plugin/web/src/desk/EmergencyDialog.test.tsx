// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { EmergencyDialog } from "./EmergencyDialog";

const PATIENT = { id: "p9", mrn: "L0000017", family_name: "Unidentified", given_name: "Alfa Bravo", middle_name: null, prefix: null, suffix: null };

function emergency() {
  const { asked } = shown(<EmergencyDialog onClose={vi.fn()} />, {
    "GET authorities": [200, { items: [] }],
    "GET modalities": [200, { items: [{ ae_title: "CT2", may: ["worklist"], description: "Trauma room" }, { ae_title: "ARCHIVE", may: ["store"], description: null }] }],
    "POST patients/emergency": [201, { patient: PATIENT, order: { id: "o9" } }],
  });
  return { user: userEvent.setup(), sent: () => asked.filter(({ method }) => method === "POST") };
}

describe("an emergency patient", () => {
  it("is a sex and an age, and nothing else has to be said", async () => {
    const { user, sent } = emergency();
    await user.click(screen.getByRole("radio", { name: "Male" }));
    await user.type(screen.getByRole("textbox", { name: "About how old (years)" }), "40{Enter}");
    await waitFor(() => expect(sent()).toHaveLength(1));
    expect(sent()[0]).toMatchObject({ path: "patients/emergency", body: { sex: "male", approximate_age: 40, issuer: null, order: null } });
    expect(await screen.findByText("Registered as Unidentified, Alfa Bravo, MRN L0000017.")).toBeTruthy();
  });

  it("may be examined at once, at a station that asks for the worklist", async () => {
    const { user, sent } = emergency();
    await user.selectOptions(screen.getByRole("combobox", { name: "Modality" }), "CT");
    const station = screen.getByRole("combobox", { name: "Station" });
    await screen.findByRole("option", { name: "CT2 – Trauma room" });
    expect(screen.queryByRole("option", { name: "ARCHIVE" })).toBeNull();
    await user.selectOptions(station, "CT2");
    await user.click(screen.getByRole("button", { name: "Register now" }));
    await waitFor(() => expect(sent()).toHaveLength(1));
    expect(sent()[0]?.body).toMatchObject({ sex: "unknown", approximate_age: null, order: { modality: "CT", description: "Emergency examination", station_ae_title: "CT2" } });
  });

  it("has an age that somebody can have", async () => {
    const { user, sent } = emergency();
    await user.type(screen.getByRole("textbox", { name: "About how old (years)" }), "4O{Enter}");
    expect(screen.getByText("Enter whole years, 0 to 130.")).toBeTruthy();
    expect(sent()).toEqual([]);
  });
});
