// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Decision, Deletion } from "../api/deletions";
import { shown } from "../testing/page";
import { ConfirmDecision, Decide } from "./Decide";

const deletion = {
  id: "d1", study_instance_uid: "1.2.3", study_description: "Thorax", modalities: ["CT"], patient_name: "DOE^JANE", mrn: "M1", patient_sex: "F", patient_birth_date: "1970-01-31",
  status: "pending", requested_by: "tom", reason: "wrong patient", number_of_instances: 12, number_of_series: 1,
} as unknown as Deletion;

function confirming(decision: Decision, answer: [number, unknown]) {
  const onClose = vi.fn();
  const page = shown(<ConfirmDecision asked={{ deletion, decision }} onClose={onClose} />, { [`POST deletions/d1/${decision}`]: answer });
  return { ...page, onClose, user: userEvent.setup() };
}

describe("whoever sees a deletion that was asked for", () => {
  it("decides on somebody else's, with the permission", async () => {
    const onAsk = vi.fn();
    shown(<Decide deletion={deletion} onAsk={onAsk} />, {}, ["approve_deletion"]);
    await userEvent.click(screen.getByRole("button", { name: /^Approve the deletion of Thorax/ }));
    expect(onAsk).toHaveBeenCalledWith({ deletion, decision: "approve" });
    expect(screen.getByRole("button", { name: /^Reject the deletion/ })).toBeTruthy();
  });

  it("never approves their own", () => {
    shown(<Decide deletion={{ ...deletion, requested_by: "nora" }} onAsk={() => {}} />, {}, ["approve_deletion"]);
    expect(screen.queryByRole("button", { name: /^Approve/ })).toBeNull();
  });

  it("decides nothing without the permission", () => {
    shown(<Decide deletion={deletion} onAsk={() => {}} />);
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("a decision", () => {
  it("is asked about once more with what it is about and why, is sent, and said to be done", async () => {
    const { asked, onClose, user } = confirming("approve", [200, {}]);
    const dialog = screen.getByRole("dialog", { name: "Approve the deletion" });
    for (const words of ["Thorax", "wrong patient", "tom", "permanently deleted"]) expect(dialog.textContent).toContain(words);
    expect(asked.filter(({ method }) => method === "POST")).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Approve" }));
    await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
    expect(asked.filter(({ method }) => method === "POST")).toMatchObject([{ path: "deletions/d1/approve", body: {}, token: "Bearer secret" }]);
    expect(screen.getByText("The deletion has been approved.")).toBeTruthy();
  });

  it("that somebody else was quicker with stays and says so", async () => {
    const { onClose, user } = confirming("approve", [409, { code: "deletion_state", detail: "It is decided." }]);
    await user.click(screen.getByRole("button", { name: "Approve" }));
    await waitFor(() => expect(screen.getByRole("alert").textContent).not.toBe(""));
    expect(onClose).not.toHaveBeenCalled();
    expect(screen.queryByText("The deletion has been approved.")).toBeNull();
  });

  it("to reject may give a reason", async () => {
    const { asked, onClose, user } = confirming("reject", [200, {}]);
    await user.type(screen.getByRole("textbox", { name: "Reason (optional)" }), "still needed");
    await user.click(screen.getByRole("button", { name: "Reject" }));
    await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
    expect(asked.find(({ method }) => method === "POST")).toMatchObject({ path: "deletions/d1/reject", body: { reason: "still needed" } });
  });
});
