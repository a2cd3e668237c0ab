import { describe, expect, it } from "vitest";
import { decodeText } from "./charset";
import { readHeader } from "./header";
import { part10, withRequest } from "./testing";

describe("a file's header", () => {
  it("is read from its first bytes, pixels or not", () => {
    const bytes = part10({ x00080060: ["CS", "MR"], x00100010: ["PN", "Lindqvist^Åsa"], x00100020: ["LO", "M-1"] });
    const reading = readHeader(bytes, true);
    expect(reading).toMatchObject({ kind: "header", header: { modality: "MR", patientName: "Lindqvist^Åsa", patientId: "M-1", studyInstanceUid: "1.2.3" } });
  });

  it("holds what a modality says of its request, which stands behind the description of the pixels", () => {
    const bytes = withRequest(part10({ x00280010: ["US", "\u0008\u0000"] }), "SPS2032");
    expect(readHeader(bytes, true)).toMatchObject({ kind: "header", header: { scheduledProcedureStepId: "SPS2032", issuerOfAccessionNumber: "" } });
    expect(readHeader(bytes.subarray(0, bytes.length - 6), false)).toMatchObject({ kind: "header", header: { scheduledProcedureStepId: "" } });
  });

  it("asks for more bytes when they end too early, and calls a file that ends there damaged", () => {
    const bytes = part10({}).subarray(0, 260);
    expect(readHeader(bytes, false).kind).toBe("more");
    expect(readHeader(bytes, true).kind).toBe("damaged");
  });

  it("tells what is no DICOM from what is damaged", () => {
    const words = new TextEncoder().encode("Dear colleague, thank you for referring ".repeat(20));
    expect(readHeader(words, true)).toEqual({ kind: "not_dicom" });
    expect(readHeader(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), true)).toEqual({ kind: "not_dicom" });
    const mark = new Uint8Array(300).fill(0xff);
    mark.set([0x44, 0x49, 0x43, 0x4d], 128);
    expect(readHeader(mark, true).kind).toBe("damaged");
  });

  it("is found without the preamble too, as the server finds it", () => {
    expect(readHeader(part10({}).subarray(132), true).kind).toBe("header");
  });

  it("names the table of contents of a disc", () => {
    expect(readHeader(part10({}, "1.2.840.10008.1.3.10"), true)).toEqual({ kind: "directory" });
  });
});

describe("text of other alphabets", () => {
  it.each([
    ["ISO_IR 100", [0x4d, 0xfc, 0x6c], "Mül"],
    ["ISO_IR 144", [0xbb, 0xee], "Лю"],
    ["ISO_IR 192", [0xe5, 0xb1, 0xb1, 0x20], "山"],
    ["\\ISO 2022 IR 87", [0x1b, 0x24, 0x42, 0x3b, 0x33, 0x1b, 0x28, 0x42], "山"],
    ["\\ISO 2022 IR 149", [0x1b, 0x24, 0x29, 0x43, 0xb1, 0xe8], "김"],
    ["something new", [0x41, 0x20, 0], "A"],
  ])("under %s", (declared, bytes, text) => {
    expect(decodeText(new Uint8Array(bytes), declared)).toBe(text);
  });
});
