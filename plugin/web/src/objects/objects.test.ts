import { describe, expect, it } from "vitest";
import type { Dataset, StudyObject } from "../api/objects";
import { linesOf, titleOf } from "./content";
import { text } from "./dataset";
import { curve, perMillivolt } from "./ecg";
import { factsOf, tableOf } from "./facts";
import { isForViewer, kindOf, seriesForViewer } from "./kinds";

const code = (meaning: string) => ({ Value: [{ "00080104": { Value: [meaning] } }] });
const value = (...values: unknown[]) => ({ Value: values });
const object = (sopClass: string, series: string, more: Dataset = {}) =>
  ({ series: { series_instance_uid: series, modality: "SR", description: "", number: 1, number_of_instances: 1 }, attributes: { "00080016": value(sopClass), ...more } }) as StudyObject;
const SR = "1.2.840.10008.5.1.4.1.1.88.";
const CT = [{ series_instance_uid: "ct" }];

describe("what the viewer is given", () => {
  const plain = object(`${SR}11`, "a", { "0040A043": code("Radiology Report") });
  const measured = object(`${SR}33`, "b");
  const segments = object("1.2.840.10008.5.1.4.1.1.66.4", "c");

  it("is text it can show, and segments only over their images", () => {
    expect(isForViewer(plain, false)).toBe(true);
    expect(isForViewer(measured, true)).toBe(false);
    expect(isForViewer(segments, true)).toBe(true);
    expect(isForViewer(segments, false)).toBe(false);
  });

  it("is every picture, whatever its modality is called", () => {
    const secondary = "1.2.840.10008.5.1.4.1.1.7";
    expect(isForViewer(object(secondary, "a", { "00280010": value(512), "00280011": value(512) }), false)).toBe(true);
    expect(isForViewer(object(secondary, "a"), true)).toBe(false);
  });

  it("is no document without a title, which stops it altogether", () => {
    expect(isForViewer(object(`${SR}11`, "a"), true)).toBe(false);
  });

  it("leaves out the series that it cannot show", () => {
    expect(seriesForViewer([plain, measured, segments], CT)).toEqual(["ct", "a", "c"]);
  });

  it("knows objects by their SOP class", () => {
    expect(kindOf(object(`${SR}59`, "k"))).toBe("keys");
    expect(kindOf(object("1.2.840.10008.5.1.4.1.1.9.1.1", "e"))).toBe("waveform");
    expect(kindOf(object("1.2.3", "x"))).toBe("other");
  });
});

describe("a structured report", () => {
  const measurement = { "0040A040": value("NUM"), "0040A043": code("Diameter"), "0040A300": value({ "0040A30A": value(12.5), "004008EA": value({ "00080100": value("mm") }) }) };
  const observer = { "0040A040": value("PNAME"), "0040A043": code("Person Observer Name"), "0040A123": value({ Alphabetic: "Doe^Jane" }) };
  const document = { "0040A043": code("CT report"), "0040A730": value(observer, { "0040A040": value("CONTAINER"), "0040A043": code("Findings"), "0040A730": value(measurement) }) };

  it("is told in the words of its own codes", () => {
    expect(titleOf(document)).toBe("CT report");
    expect(linesOf(document)).toEqual([
      { name: "Person Observer Name", value: "Doe, Jane", children: [] },
      { name: "Findings", value: "", children: [{ name: "Diameter", value: "12.5 mm", children: [] }] },
    ]);
  });

  it("has days as days and defined terms in words, and leaves what is neither", () => {
    const said = (type: string, tag: string, text: string) => linesOf({ "0040A730": value({ "0040A040": value(type), [tag]: value(text) }) })[0]?.value;
    expect([said("DATE", "0040A121", "20260131"), said("DATETIME", "0040A120", "20260131083015.1"), said("SCOORD", "00700023", "POINT")]).toEqual(["31 Jan 2026", "31 Jan 2026 08:30:15", "Point"]);
    expect([said("DATE", "0040A121", "20260231"), said("SCOORD", "00700023", "SPLINE")]).toEqual(["20260231", "SPLINE"]);
    const facts = factsOf("document", { "0040A491": value("COMPLETE"), "0040A493": value("UNVERIFIED") });
    expect(facts.slice(0, 2).map(([, words]) => words)).toEqual(["Complete", "Not verified"]);
  });

  it("ends where it nests deeper than any report", () => {
    const endless: Record<string, unknown> = { "0040A040": value("CONTAINER") };
    endless["0040A730"] = value(endless);
    expect(JSON.stringify(linesOf(endless as Dataset)).length).toBeLessThan(5_000);
  });

  it("shows what is no value as nothing", () => {
    expect(text({ "0040A160": { Value: [null, { odd: 1 }] } }, "0040A160")).toBe("");
  });
});

describe("a plan and key objects", () => {
  it("name their beams and images", () => {
    const plan = { "300A0002": value("B1"), "300A00B0": value({ "300A00C0": value(1), "300A00C2": value("AP"), "300A00C4": value("STATIC"), "300A00C6": value("PHOTON"), "300A0111": value({ "300A0114": value(6), "300A011E": value(0) }) }) };
    expect(factsOf("plan", plan)[0]).toEqual(["objects.fact.label", "B1"]);
    expect(tableOf("plan", plan)?.rows).toEqual([["1", "AP", "Static", "Photons", "6", "0"]]);
    const keys = { "0040A375": value({ "00081115": value({ "00081199": value({ "00081155": value("1.2.3") }) }) }) };
    expect(tableOf("keys", keys)?.rows).toEqual([["1.2.3"]]);
  });
});

describe("a curve", () => {
  it("is drawn as on paper: 25 mm a second, 10 mm a millivolt", () => {
    const samples = Float32Array.from([0, 1000, -500]);
    expect(curve({ name: "I", unit: "uV", samples }, 25)).toBe("M0.00,0.00L1.00,-10.00L2.00,5.00");
  });

  it("keeps every peak where there are more samples than the paper shows", () => {
    const samples = Float32Array.from({ length: 1000 }, (_, at) => (at === 501 ? 2 : 0));
    expect(curve({ name: "I", unit: "mV", samples }, 1000)).toContain(",-20.00");
  });

  it("knows which units are a voltage", () => {
    expect([perMillivolt("uV"), perMillivolt("mmHg")]).toEqual([1000, 0]);
  });
});
