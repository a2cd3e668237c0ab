// @vitest-environment happy-dom
import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Board, Turnaround } from "../api/dashboard";
import { shown } from "../testing/page";
import { DashboardPage } from "./DashboardPage";

const none = { scheduled: 0, arrived: 0, in_progress: 0, completed: 0, reported: 0, cancelled: 0, total: 0 };
const board: Board = {
  time_zone: "Europe/Vienna",
  today: {
    date_at_site: "2026-11-30",
    since: "2026-11-29T23:00:00.000Z",
    until: "2026-11-30T23:00:00.000Z",
    states: { ...none, scheduled: 3, total: 3 },
    modalities: [
      { modality: "CT", states: { ...none, scheduled: 2, total: 2 } },
      { modality: "MR", states: { ...none, scheduled: 1, total: 1 } },
    ],
  },
  waiting: {
    unread: null,
    unlinked: null,
    quarantined: null,
    deletions: 4,
    damaged: 0,
    critical: 1,
    outbox: [{ name: "ris", enabled: true, pending: 12, parked: 0, dead: 0, oldest_at: "2026-11-30T08:00:00.000Z" }],
  },
};
const spread = { number: 7, median_minutes: 90, p90_minutes: 240 };
const few = { number: 2, median_minutes: null, p90_minutes: null };
const times: Turnaround = {
  days: 30,
  first_day: "2026-11-01",
  last_day: "2026-11-30",
  examinations: 9,
  is_cut: false,
  modalities: ["CT", "MR"],
  legs: [{ leg: "completed_to_signed", ...spread, modalities: [{ modality: "CT", ...spread }, { modality: "MR", ...few }], priorities: [{ priority: "STAT", ...spread }] }],
};
const ANSWERS = { "GET dashboard": [200, board], "GET dashboard/turnaround": [200, times] } as const;

it("opens a list with each number, and shows none of a list that is closed", async () => {
  shown(<DashboardPage />, { "GET dashboard": [...ANSWERS["GET dashboard"]], "GET dashboard/turnaround": [...ANSWERS["GET dashboard/turnaround"]] }, ["read", "approve_deletion"]);
  const today = await screen.findByRole("table", { name: /appointment today/ });
  expect(within(today).getByRole("link", { name: "CT, Scheduled: 2" }).getAttribute("href")).toContain("modality=CT");
  expect(within(today).getByRole("link", { name: "All modalities, Total: 3" }).getAttribute("href")).toContain("status=all");
  expect(screen.getByRole("link", { name: "Deletions without a decision: 4" }).getAttribute("href")).toBe("/deletions?status=pending");
  expect(screen.getByRole("link", { name: "ris, Not sent yet: 12" }).getAttribute("href")).toBe("/destinations?name=ris&state=pending");
  expect(screen.queryByText("Studies without a report")).toBeNull();
  expect(screen.queryByRole("link", { name: /damaged/ })).toBeNull();
});

it("says with each plot the same in a table, and no percentile of a few", async () => {
  shown(<DashboardPage />, { "GET dashboard": [...ANSWERS["GET dashboard"]], "GET dashboard/turnaround": [...ANSWERS["GET dashboard/turnaround"]] }, ["read"]);
  const table = await screen.findByRole("table", { name: "Completed to signed report, By modality" });
  const rows = within(table).getAllByRole("row").map((row) => row.textContent);
  expect(rows[1]).toContain("1 h 30 min");
  expect(rows[2]).toMatch(/^MR2/);
  expect(within(table).getByRole("link", { name: /^CT, / }).getAttribute("href")).toBe("/dashboard/examinations?days=30&modality=CT&leg=completed_to_signed");
  expect(screen.getByRole("figure", { name: "Completed to signed report: By modality" })).toBeTruthy();
});
