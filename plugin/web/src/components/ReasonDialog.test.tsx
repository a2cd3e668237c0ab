// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/errors";
import { shown } from "../testing/page";
import { ReasonDialog } from "./ReasonDialog";

function asking(more: Partial<Parameters<typeof ReasonDialog>[0]> = {}) {
  const onConfirm = vi.fn();
  const onClose = vi.fn();
  shown(<ReasonDialog title="Delete?" action="Delete" busy={false} error={null} onConfirm={onConfirm} onClose={onClose} {...more} />);
  return { onConfirm, onClose, reason: screen.getByRole("textbox"), user: userEvent.setup() };
}

describe("asking for a reason", () => {
  it("goes no further without one, says so and leads to the field", async () => {
    const { onConfirm, reason, user } = asking();
    await user.type(reason, "   ");
    await user.click(screen.getByRole("button", { name: "Delete" }));
    expect(onConfirm).not.toHaveBeenCalled();
    expect(reason.getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByText("Enter a reason: it is kept in the audit trail.").id).toBe(reason.getAttribute("aria-describedby"));
    expect(document.activeElement).toBe(reason);
  });

  it("hands on what was typed, without the blanks around it", async () => {
    const { onConfirm, reason, user } = asking();
    await user.type(reason, " wrong patient ");
    await user.click(screen.getByRole("button", { name: "Delete" }));
    expect(onConfirm.mock.calls).toEqual([["wrong patient"]]);
  });

  it("lets it stay empty where none is needed", async () => {
    const { onConfirm, user } = asking({ required: false });
    await user.click(screen.getByRole("button", { name: "Delete" }));
    expect(onConfirm.mock.calls).toEqual([[""]]);
  });

  it("does nothing twice while it is being done", async () => {
    const { onConfirm, reason, user } = asking({ busy: true });
    await user.type(reason, "because");
    await user.click(screen.getByRole("button", { name: "Please wait…" }));
    expect(onConfirm).not.toHaveBeenCalled();
  });

  it("shows what went wrong and stays, and can be left", async () => {
    const { onClose, user } = asking({ error: new ApiError(0, "network") });
    expect(screen.getByRole("alert").textContent).toContain("The connection was lost.");
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(onClose).toHaveBeenCalledOnce();
  });
});
