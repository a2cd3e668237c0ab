import { describe, expect, it } from "vitest";
import { placeOf, writePlace } from "./useListPlace";

const defaults = { status: "scheduled", day: "all" };
const at = (address: string) => placeOf(new URLSearchParams(address), defaults, "-date");

describe("the place in a list", () => {
  it("is read from the address, with defaults for what it does not say", () => {
    expect(at("")).toEqual({ filters: defaults, sort: "-date", offset: 0 });
    expect(at("status=reported&sort=name&from=100")).toEqual({
      filters: { status: "reported", day: "all" }, sort: "name", offset: 100,
    });
    expect(at("from=-3&other=x")).toMatchObject({ offset: 0, filters: defaults });
  });

  it("says only what differs from the defaults, so that an address stays short", () => {
    expect(writePlace(at("status=reported"), { filters: { status: "scheduled" } }, defaults, "-date")).toBe("");
    expect(writePlace(at(""), { filters: { day: "today" } }, defaults, "-date")).toBe("day=today");
  });

  it("starts another question at its first page and keeps the question when a page is turned", () => {
    expect(writePlace(at("day=today&from=50"), { sort: "name" }, defaults, "-date")).toBe("day=today&sort=name");
    expect(writePlace(at("day=today"), { offset: 50 }, defaults, "-date")).toBe("day=today&from=50");
  });

  it("never holds what was searched for", () => {
    expect(writePlace(at(""), { q: "Lindqvist" }, defaults, "-date")).toBe("");
  });
});
