// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { setLanguage } from "../i18n";
import { shown } from "../testing/page";
import { Outcome } from "./Outcome";

afterEach(() => setLanguage("en"));

describe("what became of a message", () => {
  it("is told in German too; what the sender was told is marked as English", async () => {
    await setLanguage("de");
    shown(<Outcome of={{ state: "refused", code: "204", place: "PID-3", reason: "no such patient" }} />);
    screen.getByText(/^204 · PID-3 · Unbekannte Nummer/);
    expect(screen.getByText("no such patient").getAttribute("lang")).toBe("en");
  });

  it("says nothing more where there is no reason", () => {
    const { container } = shown(<Outcome of={{ state: "applied", code: null, place: null, reason: null }} />);
    expect(container.querySelectorAll(".second")).toHaveLength(0);
  });
});
