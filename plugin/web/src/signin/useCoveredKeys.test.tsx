// @vitest-environment happy-dom
import { renderHook } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { useCoveredKeys } from "./useCoveredKeys";

/** Whether the browser may do its own with the key. */
const press = (key: string, more: KeyboardEventInit = {}) =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));

describe("keys over a page that is locked", () => {
  it("neither save nor print what is covered, and reach nothing below", () => {
    const below = vi.fn();
    window.addEventListener("keydown", below);
    const { rerender, unmount } = renderHook(({ isCovered }) => useCoveredKeys(isCovered), { initialProps: { isCovered: true } });
    for (const [key, more] of [["s", { ctrlKey: true }], ["S", { ctrlKey: true, shiftKey: true }], ["s", { metaKey: true }], ["p", { ctrlKey: true }], ["Escape", {}]] as const) {
      expect(press(key, more)).toBe(false);
    }
    expect(press("s") && press("Tab") && press("Enter")).toBe(true);
    expect(below).not.toHaveBeenCalled();
    rerender({ isCovered: false });
    expect(press("s", { ctrlKey: true })).toBe(true);
    expect(below).toHaveBeenCalledOnce();
    unmount();
    window.removeEventListener("keydown", below);
  });
});
