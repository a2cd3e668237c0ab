// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shown } from "../testing/page";
import { Filters } from "./Filters";
import { NARROW } from "./useMedia";

const on = (isNarrow: boolean) =>
  vi.stubGlobal("matchMedia", (query: string) => ({ matches: query === NARROW && isNarrow, addEventListener: () => {}, removeEventListener: () => {} }));
const filters = () => shown(<Filters label="Filter orders" asked={["CT", "", undefined, "today"]} folding={<input aria-label="Modality" />} />);

describe("filters", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it("all stand there where there is room", () => {
    on(false);
    filters();
    expect(screen.getByRole("textbox", { name: "Modality" })).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("fold on a phone behind a button that says how many are active", async () => {
    on(true);
    filters();
    expect(screen.queryByRole("textbox", { name: "Modality" })).toBeNull();
    const button = screen.getByRole("button", { name: /Filters.*2 active/ });
    expect(button.getAttribute("aria-expanded")).toBe("false");
    await userEvent.click(button);
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(screen.getByRole("textbox", { name: "Modality" })).toBeTruthy();
  });
});
