import { describe, expect, it } from "vitest";
import { asTyped, isMessage } from "./asTyped";

describe("a pasted message", () => {
  it("has the ends of segments that HL7 wants", () => {
    expect(asTyped("\n MSH|^~\\&|A\r\nPID|1\n\nOBX|1\n")).toBe("MSH|^~\\&|A\rPID|1\rOBX|1\r");
  });

  it("says that it is sent in UTF-8, if it says anything", () => {
    const header = (charset: string) => `MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5||||||${charset}`;
    expect(asTyped(`${header("8859/1")}|x\nPID|1`)).toBe(`${header("UNICODE UTF-8")}|x\rPID|1\r`);
    expect(asTyped(header(""))).toBe(`${header("")}\r`);
  });

  it("begins with MSH", () => {
    expect(isMessage("  MSH|^~\\&|A")).toBe(true);
    expect(isMessage("")).toBe(false);
    expect(isMessage("PID|1")).toBe(false);
  });
});
