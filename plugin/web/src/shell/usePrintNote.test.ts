import { expect, it } from "vitest";
import { printoutOf } from "./usePrintNote";

it("a printed page is told with whose it is, and never with a number or a name", () => {
  const id = "41de0281-feab-4d0a-b864-61b088efc0d7";
  expect(printoutOf(`/orders/${id}`, 3)).toEqual({ page: "order", count: 3, order_id: id });
  expect(printoutOf("/audit", 50)).toEqual({ page: "audit", count: 50 });
  expect(printoutOf("/orders/ACC-2026-0101", 1)).toEqual({ page: "other", count: 1 });
  expect(printoutOf("/studies/1.2.3", 0)).toEqual({ page: "study", count: 0, study_instance_uid: "1.2.3" });
});
