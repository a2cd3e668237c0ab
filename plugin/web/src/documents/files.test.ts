import { describe, expect, it } from "vitest";
import { kindOf, titleOf, typeOf } from "./files";

describe("what a file is taken for", () => {
  it("goes by what the browser says, and by the name only where it says nothing", () => {
    expect(typeOf({ name: "a.pdf", type: "application/pdf" })).toBe("application/pdf");
    expect(typeOf({ name: "A.JPEG", type: "" })).toBe("image/jpeg");
    expect(typeOf({ name: "a.pdf", type: "application/msword" })).toBeNull();
    expect(typeOf({ name: "letter", type: "" })).toBeNull();
  });

  it("is called as its file, unless a device has named that", () => {
    expect(titleOf("Referral_Dr_Müller.pdf")).toBe("Referral Dr Müller");
    for (const made of ["IMG_2031.JPG", "20261130_101500.jpg", "Scan 3.pdf", "PXL_20261130.jpg", "1.png"]) expect(titleOf(made)).toBe("");
    expect(titleOf(`${"x".repeat(80)}.pdf`)).toHaveLength(64);
  });

  it("is a letter if it is a PDF, and a photograph if it is a picture", () => {
    expect([kindOf("application/pdf"), kindOf("image/png")]).toEqual(["referral", "photo"]);
  });
});
