// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Order, OrderRow } from "../api/types";
import { shown } from "../testing/page";
import { TakeButton, Assignment } from "./Assignment";

const ORDER = { id: "7", accession_number: "A1", patient_name: "Doe^Jane", status: "scheduled", assigned_to: null, assigned_name: null, assigned_at: null } as unknown as Order;
const PEOPLE = { items: [{ subject: "anna", name: "Anna Ask" }, { subject: "nora", name: "Nora" }], total: 2, limit: 500, offset: 0 };
const TORES = { ...ORDER, assigned_to: "tore", assigned_name: "Tore Tech", assigned_at: "2026-11-30T08:00:00Z" };

describe("an examination in the list", () => {
  it("is taken with one press", async () => {
    const { asked } = shown(<TakeButton order={ORDER as OrderRow} />, { "POST orders/7/assignment": [200, TORES] }, ["upload"]);
    await userEvent.click(screen.getByRole("button", { name: "Take the examination of Doe, Jane, A1" }));
    expect(await screen.findByText("The examination is yours.")).toBeTruthy();
    expect(asked).toMatchObject([{ method: "POST", body: { assigned_to: null, take_over: false } }]);
  });

  it("says that somebody was faster", async () => {
    shown(<TakeButton order={ORDER as OrderRow} />, { "POST orders/7/assignment": [409, { code: "order_assigned" }] }, ["upload"]);
    await userEvent.click(screen.getByRole("button"));
    expect(await screen.findByText("Somebody else does this examination already.")).toBeTruthy();
  });

  it.each([
    [TORES, ["upload"] as const],
    [ORDER, ["read"] as const],
    [{ ...ORDER, status: "completed" as const }, ["upload"] as const],
  ])("is offered to those who do examinations, while there is one to do", (order, permissions) => {
    shown(<TakeButton order={order as OrderRow} />, {}, permissions);
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("an examination on the order's page", () => {
  it("has no part of the page once it is over and nobody was assigned", () => {
    shown(<Assignment order={{ ...ORDER, status: "completed" }} />, {}, ["upload"]);
    expect(screen.queryByRole("heading")).toBeNull();
  });

  it("is given to a colleague, and says from whom it is taken", async () => {
    const answers = { "GET day/people": [200, PEOPLE] as [number, unknown], "POST orders/7/assignment": [200, TORES] as [number, unknown] };
    const { asked } = shown(<Assignment order={TORES} />, answers, ["register"]);
    expect(screen.queryByRole("button", { name: "Take this examination" })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Assign…" }));
    expect(screen.getByText("Tore Tech does it now, and loses it.")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Assign" }));
    expect(screen.getByText("Choose who does it.")).toBeTruthy();
    await screen.findByRole("option", { name: "Anna Ask" });
    await userEvent.selectOptions(screen.getByRole("combobox"), "Anna Ask");
    await userEvent.click(screen.getByRole("button", { name: "Assign" }));
    expect(await screen.findByText("Anna Ask does the examination.")).toBeTruthy();
    expect(asked.at(-1)?.body ?? asked).toMatchObject({ assigned_to: "anna", take_over: true });
  });

  it("is given back by whose it is", async () => {
    const mine = { ...TORES, assigned_to: "nora", assigned_name: "Nora" };
    const { asked } = shown(<Assignment order={mine} />, { "DELETE orders/7/assignment": [200, ORDER] }, ["upload"]);
    await userEvent.click(screen.getByRole("button", { name: "Give it back" }));
    await waitFor(() => expect(asked.map(({ method }) => method)).toContain("DELETE"));
  });
});
