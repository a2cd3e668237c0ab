// @vitest-environment happy-dom
import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { NodesPanel } from "./Nodes";

const a = {
  name: "a",
  version: "0.4.0",
  state: "serving",
  started_at: "2026-11-24T06:00:12.040Z",
  last_seen_at: "2026-11-24T09:43:20.115Z",
  clock_ahead_seconds: 0.004,
  schema_known: "0059_nodes2",
  is_this: true,
  has_other_secret: false,
  has_other_folder: false,
} as const;

it("names the servers, and says of one what does not fit the others", () => {
  render(<NodesPanel nodes={[a, { ...a, name: "b", is_this: false, has_other_secret: true, has_other_folder: true, clock_ahead_seconds: -4 }]} />);
  const panel = screen.getByRole("region", { name: "Servers" });
  const [first, second] = panel.querySelectorAll("dd");
  expect(first?.textContent).toContain("this page comes from it");
  expect(first?.textContent).not.toContain("secret");
  expect(second?.textContent).toContain("another secret");
  expect(second?.textContent).toContain("does not share the folder");
  expect(second?.textContent).toContain("4 s behind");
});
