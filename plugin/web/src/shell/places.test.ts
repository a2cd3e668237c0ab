import { describe, expect, it } from "vitest";
import { PLACE_GROUPS, placesFor } from "./places";

const seen = (...permissions: Parameters<typeof placesFor>[0]) =>
  placesFor(permissions).flatMap(({ places }) => places.map(({ to }) => to));

describe("the way to each page", () => {
  it("is shown to those who may use it", () => {
    expect(seen("read", "view")).toContain("/studies");
    expect(seen("read", "view")).not.toContain("/upload");
    expect(seen("upload")).toContain("/upload");
  });

  it("is closed to those who may not", () => {
    expect(seen("read", "view")).not.toContain("/deletions");
    expect(seen("request_deletion")).toContain("/deletions");
    expect(seen("approve_deletion")).toContain("/deletions");
    expect(seen("read", "upload", "modify_tags")).not.toContain("/audit");
  });

  it("leaves no heading without anything under it", () => {
    for (const { places } of placesFor(["read"])) expect(places).not.toHaveLength(0);
  });

  it("leads to each page once", () => {
    const all = PLACE_GROUPS.flatMap(({ places }) => places.map(({ to }) => to));
    expect(new Set(all).size).toBe(all.length);
  });
});
