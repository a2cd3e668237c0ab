import { describe, expect, it } from "vitest";
import { mailText } from "./mail";
import { newPin } from "./pin";

const URL = "https://images.clinic.example/ehr/share#s3cret";

describe("the text of the mail", () => {
  it.each(["en", "de"] as const)("has the link, until when it is good, and no PIN (%s)", (language) => {
    const text = mailText(language, URL, "2026-12-07T13:00:00Z", true);
    expect(text).toContain(`\n\n${URL}\n\n`);
    expect(text).toMatch(/2026/);
    expect(text).toContain("PIN");
    expect(mailText(language, URL, "2026-12-07T13:00:00Z", false)).not.toContain("PIN");
  });
});

describe("a PIN that is offered", () => {
  it("has six digits, zeros in front too", () => {
    expect(newPin(() => 42)).toBe("000042");
    expect(newPin()).toMatch(/^\d{6}$/);
  });

  it("is drawn again where some would be likelier than others", () => {
    const drawn = [4_294_967_295, 7];
    expect(newPin(() => drawn.shift() ?? 0)).toBe("000007");
  });
});
