// @vitest-environment happy-dom
import { render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { OrderRows } from "../api/orderRows";
import type { OrderRow } from "../api/types";
import { MemoryRouter } from "react-router-dom";
import { plainColumns } from "./layout";
import { OrderTable } from "./OrderTable";

let drawn = 0;
const row = (at: number) =>
  ({
    id: `id-${at}`, accession_number: `A${at}`, description: `CT ${at}`, modality: "CT", status: "scheduled", patient_id: `p-${at}`, patient_name: `Doe^Jane${at}`,
    patient_birth_date: null, patient_sex: "female", mrn: null, issuer: null, assigned_to: null, assigned_name: null, number_of_images: null, scheduled_at: null,
    // Read once when the row is drawn.
    get report() {
      drawn += 1;
      return null;
    },
  }) as unknown as OrderRow;
const rows = Array.from({ length: 20 }, (_, at) => row(at));
const list = { first: { isPlaceholderData: false }, total: 20, at: (at: number) => rows[at], loaded: rows } as unknown as OrderRows;
const columns = plainColumns(false).filter((name) => name !== "view");
const sorting = { sort: "", onSort: () => {} };
const onSeen = () => {};

beforeEach(() => void vi.spyOn(window, "matchMedia").mockReturnValue({ matches: false, addEventListener() {}, removeEventListener() {} } as unknown as MediaQueryList));
afterEach(() => vi.restoreAllMocks());

it("draws no row again that has not changed: scrolling through ten thousand stays smooth", () => {
  const table = (of: OrderRows) => (
    <MemoryRouter>
      <OrderTable label="Orders" list={of} columns={columns} sorting={sorting} now={0} onSeen={onSeen} />
    </MemoryRouter>
  );
  const { rerender } = render(table(list));
  expect(drawn).toBeGreaterThanOrEqual(20);
  const first = drawn;
  rerender(table({ ...list })); // as after a step of the wheel
  expect(drawn).toBe(first);
  const other = row(3);
  rerender(table({ ...list, at: (at) => (at === 3 ? other : rows[at]) }));
  expect(drawn).toBe(first + 1);
});
