// @vitest-environment happy-dom
import { render } from "@testing-library/react";
import { MemoryRouter } from "react-router-dom";
import { expect, it, vi } from "vitest";
import type { OrderRows } from "../api/orderRows";
import type { OrderRow } from "../api/types";
import { plainColumns } from "./layout";
import { OrderTable } from "./OrderTable";

const drawn = vi.hoisted(() => ({ count: 0 }));
vi.mock("./columns", () => ({
  cellsOf: () =>
    new Proxy(
      {},
      {
        get: (_, name) => ({ title: String(name), main: name === "patient", cell: () => ((drawn.count += 1), "x") }),
      },
    ),
}));

vi.mock("../components/useMedia", () => ({ NARROW: "", useMedia: () => false }));

const rows = Array.from({ length: 20 }, (_, at) => ({ id: `id-${at}` }) as OrderRow);
const list = { first: { isPlaceholderData: false }, total: 20, at: (row: number) => rows[row], loaded: rows } as unknown as OrderRows;
const columns = plainColumns(false);
const sorting = { sort: "", onSort: () => {} };
const onSeen = () => {};

it("draws no row again that has not changed: scrolling through ten thousand stays smooth", () => {
  const table = (of: OrderRows) => (
    <MemoryRouter>
      <OrderTable label="Orders" list={of} columns={columns} sorting={sorting} now={0} onSeen={onSeen} />
    </MemoryRouter>
  );
  const { rerender } = render(table(list));
  const first = drawn.count;
  expect(first).toBe(20 * columns.length);
  rerender(table({ ...list })); // as after a step of the wheel
  expect(drawn.count).toBe(first);
  const other = { ...rows[3]! };
  rerender(table({ ...list, at: (row) => (row === 3 ? other : rows[row]) }));
  expect(drawn.count).toBe(first + columns.length);
});
