// @vitest-environment happy-dom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { OrderDialog } from "./OrderDialog";
import { instantOf } from "./typed";

function placing() {
  const onDone = vi.fn();
  const { asked } = shown(<OrderDialog order={null} patientId="p1" onDone={onDone} onClose={vi.fn()} />, {
    "GET modalities": [200, { items: [] }],
    "POST orders": [201, { id: "o1", accession_number: "A202611290001" }],
  });
  return { onDone, user: userEvent.setup(), sent: () => asked.filter(({ method }) => method === "POST") };
}

describe("a new order", () => {
  it("says at the fields what is missing, and sends nothing", async () => {
    const { user, sent } = placing();
    await user.click(screen.getByRole("button", { name: "Place order" }));
    expect(screen.getByRole("textbox", { name: "Procedure" }).getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByText("Choose a modality.")).toBeTruthy();
    expect(sent()).toEqual([]);
  });

  it("of several steps sends each with an id of its own", async () => {
    const { user, sent, onDone } = placing();
    await user.type(screen.getByRole("textbox", { name: "Procedure" }), "PET/CT whole body");
    await user.selectOptions(screen.getByRole("combobox", { name: "Modality" }), "CT");
    await user.click(screen.getByRole("button", { name: "Add a step" }));
    await user.selectOptions(screen.getAllByRole("combobox", { name: "Modality" })[1]!, "PT");
    fireEvent.change(screen.getAllByLabelText("Scheduled")[0]!, { target: { value: "2026-12-01T10:15" } });
    await user.click(screen.getByRole("button", { name: "Place order" }));
    await waitFor(() => expect(onDone).toHaveBeenCalled());
    expect(sent()[0]?.body).toMatchObject({
      mrn: "p1",
      description: "PET/CT whole body",
      modality: "CT",
      scheduled_at: instantOf("2026-12-01T10:15"),
      scheduled_procedure_step_id: "1",
      further_steps: [{ scheduled_procedure_step_id: "2", modality: "PT", scheduled_at: null }],
    });
  });

  it("leaves out a step again that was not meant", async () => {
    const { user } = placing();
    await user.click(screen.getByRole("button", { name: "Add a step" }));
    await user.click(screen.getByRole("button", { name: "Remove step 2" }));
    expect(screen.getAllByRole("combobox", { name: "Modality" })).toHaveLength(1);
  });
});
