import { describe, expect, it } from "vitest";
import { afterChange, placeOf, searchedFor, writePlace } from "./useListPlace";

const defaults = { status: "scheduled", day: "all" };
const at = (address: string) => placeOf(new URLSearchParams(address), defaults, "-date");

describe("the place in a list", () => {
  it("is read from the address, with defaults for what it does not say", () => {
    expect(at("")).toEqual({ filters: defaults, sort: "-date", offset: 0 });
    expect(at("status=reported&sort=name&offset=100")).toEqual({
      filters: { status: "reported", day: "all" }, sort: "name", offset: 100,
    });
    expect(at("offset=-3&other=x")).toMatchObject({ offset: 0, filters: defaults });
  });

  it("says only what differs from the defaults, so that an address stays short", () => {
    expect(writePlace(at("status=reported"), { filters: { status: "scheduled" } }, defaults, "-date")).toBe("");
    expect(writePlace(at(""), { filters: { day: "today" } }, defaults, "-date")).toBe("day=today");
  });

  it("starts another question at its first page and keeps the question when a page is turned", () => {
    expect(writePlace(at("day=today&offset=50"), { sort: "name" }, defaults, "-date")).toBe("day=today&sort=name");
    expect(writePlace(at("day=today"), { offset: 50 }, defaults, "-date")).toBe("day=today&offset=50");
  });

  it("keeps a day to begin with apart from the page", () => {
    const days = { from: "" };
    const place = placeOf(new URLSearchParams("from=2026-11-24"), days, "");
    const turned = writePlace(place, { offset: 50 }, days, "");
    expect(turned).toBe("from=2026-11-24&offset=50");
    expect(placeOf(new URLSearchParams(turned), days, "")).toMatchObject({ filters: { from: "2026-11-24" }, offset: 50 });
  });

  it("never holds what was searched for", () => {
    expect(writePlace(at(""), { q: "Lindqvist", texts: { mrn: "M-1" } }, defaults, "-date")).toBe("");
  });
});

describe("what was searched for", () => {
  it("is kept with the history entry, each text beside the others", () => {
    const first = afterChange(searchedFor(null), { texts: { who: "rita" } });
    const second = afterChange(first, { texts: { mrn: "M-1" } });
    expect(second).toEqual({ q: "", texts: { who: "rita", mrn: "M-1" } });
    expect(searchedFor(structuredClone(second))).toEqual(second);
    expect(afterChange({ q: "x", texts: {} }, {}).q).toBe("x");
  });

  it("is nothing where something else keeps its state there", () => {
    for (const odd of [undefined, "q", { q: 7 }, { texts: ["a"] }, { texts: { who: 1 } }]) expect(searchedFor(odd).q).toBe("");
    expect(searchedFor({ texts: { who: 1, mrn: "M" } }).texts).toEqual({ mrn: "M" });
  });
});
