// @vitest-environment happy-dom
import { act, fireEvent, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { useRowKeys } from "./useRowKeys";

it("leaves the former order while the next one is loading, and goes on from a row that has moved", () => {
  const row = document.createElement("div");
  const link = document.createElement("button");
  row.dataset["index"] = "0";
  row.append(link);
  document.body.append(row);
  const reveal = vi.fn();
  const linkOf = (at: number) => (row.dataset["index"] === String(at) ? link : null);
  const press = (key: string): void =>
    act(() => {
      fireEvent.keyDown(document.activeElement ?? document.body, { key });
    });
  renderHook(() => useRowKeys(200, reveal, linkOf));
  press("j");
  expect(document.activeElement).toBe(link);
  press("j");
  expect(document.activeElement).toBe(document.body);
  press("k");
  expect(document.activeElement).toBe(link);
  row.dataset["index"] = "7";
  press("j");
  expect(reveal).toHaveBeenLastCalledWith(8);
});
