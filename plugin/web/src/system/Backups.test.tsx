// @vitest-environment happy-dom
import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { BackupsAnswer } from "../api/schema";
import { BackupsPanel } from "./Backups";

const MADE: BackupsAnswer = {
  is_scheduled: true,
  last_success_at: "2026-11-29T01:00:02Z",
  last_check_at: null,
  last: {
    kind: "backup",
    status: "succeeded",
    repository: "/mnt/backup",
    begun_at: "2026-11-29T01:00:02Z",
    ended_at: "2026-11-29T01:03:40Z",
    number_of_files: 183201,
    size_bytes: 96_200_000_000,
    added_bytes: 611_000_000,
    failure: null,
  },
};

describe("the card of backups", () => {
  it("says when the last one was made, and what is in it", () => {
    render(<BackupsPanel backups={MADE} />);
    expect(screen.getByText(/183,201 files, 96.2 GB; 611.0 MB were new/)).toBeTruthy();
    expect(screen.getByText(/backup, done on 29 Nov 2026/)).toBeTruthy();
    expect(screen.getByText("never")).toBeTruthy();
  });

  it("says in words why the last one failed, also where it has no words for it", () => {
    const failed = { ...MADE.last!, status: "failed" as const, failure: "repository_full", number_of_files: null };
    const { rerender } = render(<BackupsPanel backups={{ ...MADE, last: failed }} />);
    expect(screen.getByText("the repository's disk is full")).toBeTruthy();
    rerender(<BackupsPanel backups={{ ...MADE, last: { ...failed, failure: "moon_too_low" } }} />);
    expect(screen.getByText("Moon too low")).toBeTruthy();
  });

  it("says that none is made where none is scheduled", () => {
    render(<BackupsPanel backups={{ is_scheduled: false, last_success_at: null, last_check_at: null, last: null }} />);
    expect(screen.getByText(/No backup is scheduled here/)).toBeTruthy();
  });
});
