import { expect, it } from "vitest";
import { Session } from "../api/session";
import { isOfVisit } from "./visit";

it("is about one patient: no lists, and nothing of the installation", () => {
  for (const path of ["/", "/launch", "/orders/7", "/patients/7", "/studies/1.2", "/studies/1.2/objects", "/view/1.2", "/reports/7", "/upload"]) expect(isOfVisit(path), path).toBe(true);
  for (const path of ["/orders", "/patients", "/studies", "/reports", "/accounts", "/password", "/reconciliation/1.2"]) expect(isOfVisit(path), path).toBe(false);
});

it("is remembered by a tab of the EHR's, and by no other", () => {
  const kept = new Map<string, string>();
  const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
  const session = new Session(store);
  session.begin({ token: "t", expires_at: "2099-01-01T00:00:00Z" }, "dora", true);
  session.see("/orders/7");
  expect(new Session(store).snapshot()).toMatchObject({ launched: true, visit: "/orders/7" });
  session.begin({ token: "t", expires_at: "2099-01-01T00:00:00Z" }, "dora");
  session.see("/orders/7");
  expect(session.snapshot()).not.toMatchObject({ visit: "/orders/7" });
});
