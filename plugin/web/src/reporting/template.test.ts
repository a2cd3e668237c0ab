import { describe, expect, it } from "vitest";
import { beginning, fitting, nameOf, templateOf, TemplateFault } from "./template";
import type { Template } from "../api/reports";

describe("a file that becomes a template", () => {
  it("is named after itself", () => {
    expect(nameOf("CT Head (adult).html")).toBe("ct-head-adult");
    expect(nameOf("Schädel.JSON")).toBe("schadel");
    expect(nameOf("???.html")).toBe("template");
  });

  it("is a page of MRRT as it stands, or JSON without what the server added", () => {
    expect(templateOf("\n<!DOCTYPE html><html>")).toEqual({ mrrt: "\n<!DOCTYPE html><html>" });
    expect(templateOf('{"name":"x","title":"T","language":"en","sections":[],"source":"json"}')).toEqual({ title: "T", language: "en", modalities: [], body_part: undefined, sections: [] });
    for (const text of ["", "nothing", "[1]"]) expect(() => templateOf(text)).toThrow(TemplateFault);
  });
});

describe("the template of an examination", () => {
  const template = (name: string, modality: string, part: string | null) => ({ name, modalities: [modality], body_part: part }) as unknown as Template;
  const all = [template("ct-chest", "CT", "CHEST"), template("ct-any", "CT", null), template("mr-knee", "MR", "KNEE")];

  it("is of its body part, else of its modality, else there is none", () => {
    expect(fitting(all, "CT", "chest")?.name).toBe("ct-chest");
    expect(fitting(all, "CT", null)?.name).toBe("ct-any");
    expect(fitting(all, "MR", "HEAD")).toBeNull();
    expect(beginning({ of: { order_id: "o" }, modality: "CT", body_part: "CHEST" }, all)).toEqual({ order_id: "o", template: "ct-chest" });
    expect(beginning({ of: { order_id: "o" }, modality: "US", body_part: null }, all)).toEqual({ order_id: "o" });
  });
});
