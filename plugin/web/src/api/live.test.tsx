// @vitest-environment happy-dom
import { act } from "@testing-library/react";
import { useQuery } from "@tanstack/react-query";
import { afterEach, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { AT_LATEST_MS, useLive } from "./live";

afterEach(() => void vi.useRealTimers());

it("reads the lists once a minute although the number stands still", async () => {
  vi.useFakeTimers();
  const read = vi.fn(() => Promise.resolve(1));
  function Page() {
    useLive(true);
    useQuery({ queryKey: ["orders"], queryFn: read });
    return null;
  }
  shown(<Page />, { "GET day/change": [304, undefined] });
  await act(() => vi.advanceTimersByTimeAsync(AT_LATEST_MS - 1000));
  expect(read).toHaveBeenCalledTimes(1);
  await act(() => vi.advanceTimersByTimeAsync(4000));
  expect(read).toHaveBeenCalledTimes(2);
});
