// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { Picker } from "./Picker";

const patient = { id: "p1", mrn: "M1", family_name: "DOE", given_name: "JANE", birth_date: "1970-01-31", sex: "F" };
const order = {
  id: "o1", patient_id: "p1", patient_name: "DOE^JANE", mrn: "M1", patient_birth_date: "1970-01-31", patient_sex: "F",
  accession_number: "ACC7", status: "scheduled", modality: "CT", description: "Thorax", scheduled_at: null,
};
const page = (...items: unknown[]): [number, unknown] => [200, { items, total: items.length, limit: 8, offset: 0 }];

function picking(hint: string, ofPatient: [number, unknown] = [200, patient]) {
  const onPick = vi.fn();
  const frame = shown(<Picker hint={hint} onPick={onPick} onClose={() => {}} />, {
    "GET orders": page(order),
    "GET patients": page(patient),
    "GET patients/p1": ofPatient,
  });
  return { ...frame, onPick, user: userEvent.setup() };
}

describe("choosing whose files these are", () => {
  it("searches for what the files say, and for nothing when they say nothing", async () => {
    const { asked, unmount } = picking("");
    expect(screen.getByText("Type a name, an MRN or an accession number.")).toBeTruthy();
    expect(asked).toEqual([]);
    unmount();
    picking("M1");
    expect(await screen.findByText("1 orders, 1 patients")).toBeTruthy();
  });

  it("hands on an order with its patient, so that what disagrees is seen before anything is sent", async () => {
    const { onPick, user } = picking("M1");
    await user.click(await screen.findByRole("button", { name: /ACC7/ }));
    await waitFor(() => expect(onPick).toHaveBeenCalledWith({ kind: "order", order, patient }));
  });

  it("hands on a patient without an order", async () => {
    const { onPick, user } = picking("M1");
    await screen.findByText("1 orders, 1 patients");
    const [, ofPatients] = screen.getAllByRole("list");
    await user.click(ofPatients!.querySelector("button")!);
    expect(onPick.mock.calls).toEqual([[{ kind: "patient", patient }]]);
  });

  it("says so, and chooses nothing, when the order's patient cannot be had", async () => {
    const { onPick, user } = picking("M1", [503, { code: "busy" }]);
    await user.click(await screen.findByRole("button", { name: /ACC7/ }));
    expect((await screen.findByRole("alert")).textContent).not.toBe("");
    expect(onPick).not.toHaveBeenCalled();
  });
});
