// @vitest-environment happy-dom
import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { ObjectsPanel } from "./ObjectsPanel";

const away = {
  waiting: 12,
  waiting_bytes: 6_310_412,
  limit_bytes: 20_000_000_000,
  oldest_at: "2026-11-24T09:43:25.700Z",
  removing: 0,
  error: "away",
  failing_since: "2026-11-24T09:43:20.700Z",
} as const;

it("says what waits for the object storage, and why", () => {
  render(<ObjectsPanel objects={away} />);
  const panel = screen.getByRole("region", { name: "Object storage" });
  expect(panel.textContent).toContain("6.3 MB of 20.0 GB");
  expect(panel.textContent).toContain("does not answer since");
});

it("is not there where images are in a folder, and content when nothing waits", () => {
  const { container, rerender } = render(<ObjectsPanel objects={null} />);
  expect(container.textContent).toBe("");
  rerender(<ObjectsPanel objects={{ ...away, waiting: 0, waiting_bytes: 0, oldest_at: null, error: null, failing_since: null }} />);
  expect(container.textContent).toContain("takes what comes");
});
