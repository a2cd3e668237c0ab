import { describe, expect, it } from "vitest";
import { asRead } from "./asRead";

describe("values of files beside each other", () => {
  it.each([
    ["PatientName", ["PHANTOM^THORAX", "Lindqvist^Åsa"], ["PHANTOM, THORAX", "Lindqvist, Åsa"]],
    ["OperatorsName", ["Ask^Anna\\Berg^Bo", ""], ["Ask, Anna; Berg, Bo", ""]],
    ["PatientBirthDate", ["19781102", "19781103"], ["02 Nov 1978", "03 Nov 1978"]],
    ["birth_date", ["03 Nov 1978"], ["03 Nov 1978"]],
  ])("are read as names and days: %s", (tag, values, read) => {
    expect(asRead(tag, values)).toEqual(read);
  });

  it.each([
    ["PatientName", ["DOE^JANE", "DOE^JANE "]],
    ["PatientName", ["Schmidt^Anne", "Schmidt, Anne"]],
    ["PatientBirthDate", ["19780231", "unknown"]],
    ["PatientID", ["A^1", "19781102"]],
  ])("stay as they are where reading them would hide what differs, and where they are something else: %s", (tag, values) => {
    expect(asRead(tag, values)).toEqual(values);
  });
});
