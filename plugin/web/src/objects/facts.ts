/** What is worth saying of a plan, a segmentation, key objects and the like. Pure: labels are message keys. */
import type { Dataset, StudyObject } from "../api/objects";
import type { MessageKey } from "../i18n";
import { clock, day, items, meaning, term, text } from "./dataset";
import type { Kind } from "./kinds";

export type FactKey = Extract<MessageKey, `objects.fact.${string}`>;
export type Fact = readonly [key: FactKey, value: string];

export interface Table {
  /** Headings. */
  columns: readonly FactKey[];
  rows: readonly (readonly string[])[];
}

/** Facts of any object: when, by whom, with what. */
export function commonFacts({ attributes, series }: StudyObject): Fact[] {
  const when = [text(attributes, "00080023") || text(attributes, "00080012"), text(attributes, "00080033") || text(attributes, "00080013")];
  return [
    ["objects.fact.series", series.description],
    ["objects.fact.created", [day(when[0]!), clock(when[1]!)].filter(Boolean).join(" ")],
    ["objects.fact.author", text(attributes, "00700084")],
    ["objects.fact.device", [text(attributes, "00080070"), text(attributes, "00081090")].filter(Boolean).join(" ")],
  ];
}

export function factsOf(kind: Kind, of: Dataset): Fact[] {
  switch (kind) {
    case "document":
      return [
        ["objects.fact.completion", term(text(of, "0040A491"))],
        ["objects.fact.verification", term(text(of, "0040A493"))],
        ["objects.fact.verified_by", items(of, "0040A073").map((one) => text(one, "0040A075")).join(", ")],
      ];
    case "plan":
      return [
        ["objects.fact.label", text(of, "300A0002")],
        ["objects.fact.name", text(of, "300A0003")],
        ["objects.fact.description", text(of, "300A0004")],
        ["objects.fact.intent", term(text(of, "300A000A"))],
        ["objects.fact.approval", term(text(of, "300E0002"))],
        ["objects.fact.fractions", items(of, "300A0070").map((group) => text(group, "300A0078")).join(", ")],
        ["objects.fact.dose", items(of, "300A0010").map((one) => text(one, "300A0026") && `${text(one, "300A0016") || text(one, "300A0014")} ${text(one, "300A0026")} Gy`).filter(Boolean).join(", ")],
      ];
    case "structures":
      return [["objects.fact.label", text(of, "30060002")], ["objects.fact.name", text(of, "30060004")]];
    case "dose":
      return [["objects.fact.dose_type", term(text(of, "30040004"))], ["objects.fact.summation", term(text(of, "3004000A"))], ["objects.fact.units", term(text(of, "30040002"))], ["objects.fact.frames", text(of, "00280008")]];
    case "segments":
    case "presentation":
    case "registration":
    case "values":
      return [["objects.fact.label", text(of, "00700080")], ["objects.fact.description", text(of, "00700081")], ["objects.fact.frames", text(of, "00280008")]];
    default:
      return [["objects.fact.label", text(of, "00700080")], ["objects.fact.description", text(of, "00420010")]];
  }
}

/** The parts of an object, where it is made of parts. */
export function tableOf(kind: Kind, of: Dataset): Table | null {
  switch (kind) {
    case "plan":
      return table(
        ["objects.fact.number", "objects.fact.name", "objects.fact.beam_type", "objects.fact.radiation", "objects.fact.energy", "objects.fact.gantry"],
        items(of, "300A00B0").map((beam) => {
          const [point] = items(beam, "300A0111");
          return [text(beam, "300A00C0"), text(beam, "300A00C2"), term(text(beam, "300A00C4")), term(text(beam, "300A00C6")), text(point, "300A0114"), text(point, "300A011E")];
        }),
      );
    case "structures":
      return table(["objects.fact.number", "objects.fact.name"], items(of, "30060020").map((one) => [text(one, "30060022"), text(one, "30060026")]));
    case "segments":
      return table(
        ["objects.fact.number", "objects.fact.label", "objects.fact.category", "objects.fact.property", "objects.fact.algorithm"],
        items(of, "00620002").map((one) => [text(one, "00620004"), text(one, "00620005"), meaning(one, "00620003"), meaning(one, "0062000F"), [term(text(one, "00620008")), text(one, "00620009")].filter(Boolean).join(" ")]),
      );
    case "values":
      return table(
        ["objects.fact.label", "objects.fact.units", "objects.fact.slope", "objects.fact.intercept"],
        items(of, "00409096").map((one) => [text(one, "00409210"), meaning(one, "004008EA"), text(one, "00409225"), text(one, "00409224")]),
      );
    case "keys":
    case "presentation":
      return table(["objects.fact.image"], references(of, kind === "keys" ? "0040A375" : "00081115").map((uid) => [uid]));
    default:
      return null;
  }
}

/** The instances that are referred to: straight below the tag, or study by study and series by series. */
function references(of: Dataset, tag: string): string[] {
  return items(of, tag).flatMap((one) => [
    ...items(one, "00081199").map((instance) => text(instance, "00081155")),
    ...items(one, "00081140").map((instance) => text(instance, "00081155")),
    ...references(one, "00081115"),
  ]);
}

function table(columns: readonly FactKey[], rows: readonly (readonly string[])[]): Table | null {
  return rows.length > 0 ? { columns, rows } : null;
}
