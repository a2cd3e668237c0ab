// @vitest-environment happy-dom
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { shown } from "../testing/page";
import { TimelineRows } from "./TimelineRows";
import type { Entry } from "../api/chart";

const entry = (at: number): Entry => {
  const day = `${2026 - Math.floor(at / 50)}-05-06`;
  return {
    kind: "order", day, at: `${day}T08:00:00.000Z`, title: `CT ${at}`, status: "completed", modalities: ["CT"], accession_number: `A${at}`, number_of_images: null, order_id: `o-${at}`,
    study_instance_uid: null, report_id: null, document_id: null, upload_id: null,
  };
};
const drawn = (count: number, total = count) => {
  const view = shown(<TimelineRows entries={Array.from({ length: count }, (_, at) => entry(at))} total={total} onOpen={() => undefined} />, {}, ["read"]);
  return view.container;
};

describe("a timeline of five hundred entries", () => {
  it("draws those that are in sight, and says of each which it is", async () => {
    const frame = drawn(500, 700);
    await waitFor(() => expect(frame.querySelectorAll("li").length).toBeGreaterThan(5));
    expect(frame.querySelectorAll("li").length).toBeLessThan(60);
    const first = frame.querySelector("li")!;
    expect([first.getAttribute("aria-posinset"), first.getAttribute("aria-setsize")]).toEqual(["1", "700"]);
    expect(within(first).getByRole("link").getAttribute("href")).toBe("/orders/o-0");
    screen.getByRole("heading", { name: "2026" });
  });

  it("says what an untitled upload is once", async () => {
    const upload: Entry = { ...entry(0), kind: "upload", title: null, modalities: [], accession_number: null, number_of_images: 3, upload_id: "u1" };
    const { container } = shown(<TimelineRows entries={[upload]} total={1} onOpen={() => undefined} />, {}, ["read"]);
    await waitFor(() => expect(container.querySelectorAll("li")).toHaveLength(1));
    expect(container.querySelector("li")?.textContent.match(/Upload/g)).toHaveLength(1);
  });

  it("is drawn whole where it fits, so that the browser finds and prints everything in it", async () => {
    const frame = drawn(60);
    await waitFor(() => expect(frame.querySelectorAll("li")).toHaveLength(60));
    expect([...frame.querySelectorAll("h3")].map((year) => year.textContent)).toEqual(["2026", "2025"]);
    expect(frame.querySelectorAll("ol")).toHaveLength(2);
  });
});
