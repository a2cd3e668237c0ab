import { describe, expect, it } from "vitest";
import type { OrderView } from "../api/day";
import { DEFAULTS, SORT } from "./filter";
import { allInOrder, columnsOf, COLUMNS, movedBy, sharesOf } from "./layout";
import { bodyOf, isChanged, placeOfView } from "./views";

const VIEW = { id: "7", name: "CT", owner: "tore", owner_name: "Tore", is_mine: true, is_shared: false, sort: null, columns: null, filters: {}, updated_at: "" } as OrderView;

describe("a saved view", () => {
  it("says the same when it is opened as when it was saved", () => {
    const filters = { ...DEFAULTS, view: "7", columns: "patient,order,report", status: "arrived", day: "chosen", from: "2026-11-01", to: "2026-11-02", modality: "CT", station: "CT2", part: "HEAD", priority: "STAT", report: "none", assigned: "me" };
    const place = { filters, sort: "-patient_name" };
    const body = bodyOf(place, "CT", false);
    const saved = { ...VIEW, ...body, filters: body.filters as Record<string, string>, columns: body.columns ?? null, sort: body.sort ?? null };
    expect(placeOfView(saved)).toEqual(place);
    expect(isChanged(saved, place)).toBe(false);
    expect(isChanged(saved, { ...place, sort: SORT })).toBe(true);
    expect(isChanged(saved, { ...place, filters: { ...filters, modality: "" } })).toBe(true);
  });

  it("keeps no days that were chosen before another period was", () => {
    expect(bodyOf({ filters: { ...DEFAULTS, from: "2026-11-01" }, sort: SORT }, "x", false).filters).toEqual({ status: "scheduled,arrived", day: "due" });
  });

  it("that says nothing narrows nothing", () => {
    expect(placeOfView(VIEW)).toMatchObject({ sort: SORT, filters: { status: "all", day: "all", columns: "" } });
  });
});

describe("columns", () => {
  it("are those that there are, in their order, and never without whose order it is", () => {
    expect(columnsOf("images,colour,status,images")).toEqual(["patient", "order", "images", "status"]);
    expect(columnsOf(["status", "order", "patient"])).toEqual(["status", "order", "patient"]);
    expect(columnsOf("colour")).toBeNull();
    expect(columnsOf(null)).toBeNull();
  });

  it("move by one place, and not over the end", () => {
    const columns = ["patient", "order", "status"] as const;
    expect(movedBy(columns, "status", -1)).toEqual(["patient", "status", "order"]);
    expect(movedBy(columns, "status", 1)).toBe(columns);
    expect(movedBy(columns, "images", 1)).toBe(columns);
    expect(allInOrder(["status", "patient"]).slice(0, 3)).toEqual(["status", "patient", "order"]);
  });

  it("share the width", () => {
    const sum = sharesOf(COLUMNS).reduce((whole, share) => whole + parseFloat(share), 0);
    expect(Math.abs(sum - 100)).toBeLessThan(0.1);
  });
});
