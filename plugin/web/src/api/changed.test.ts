import { QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";
import { askAgain, CHANGED } from "./changed";

it("whatever changes an order or a study reads the lists of both again, and the patient's timeline", () => {
  for (const [what, keys] of Object.entries(CHANGED)) {
    if (what !== "document") expect(keys, what).toEqual(expect.arrayContaining(["order", "orders", "timeline"]));
    expect(new Set(keys).size, what).toBe(keys.length);
  }
  for (const what of ["study", "person", "deletion", "quarantine", "message", "reconciliation"] as const) {
    expect(CHANGED[what], what).toEqual(expect.arrayContaining(["study", "studies"]));
  }
});

it("asks for everything again that begins with one of the words", () => {
  const client = new QueryClient();
  client.setQueryData(["orders", { q: "x" }, 0], 1);
  client.setQueryData(["audit"], 1);
  askAgain(client, "order");
  expect(client.getQueryState(["orders", { q: "x" }, 0])?.isInvalidated).toBe(true);
  expect(client.getQueryState(["audit"])?.isInvalidated).toBe(false);
});
