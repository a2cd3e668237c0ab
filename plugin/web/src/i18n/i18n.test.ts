import { afterEach, describe, expect, it } from "vitest";
import { formatBytes, formatDay, known, setLanguage, t, word } from ".";
import type { Message } from "./message";
import { de } from "./de";
import { en } from "./en";
import { chosenLanguage } from "./languages";
import { pseudo } from "./pseudo";
import { personName } from "./person";

describe("messages", () => {
  it("fill their blanks and choose the plural", () => {
    expect(t("upload.progress.files", { done: 3, total: 1200 })).toBe("3 of 1,200 files");
    expect(t("orders.found", { count: 1 })).toBe("1 order");
    expect(t("orders.found", { count: 0 })).toBe("0 orders");
  });

  it("show a blank's value as text, whatever it holds", () => {
    expect(t("patient.mrn.value", { mrn: "{mrn} $& <b>" })).toBe("MRN {mrn} $& <b>");
  });

  it("leave no message empty", () => {
    for (const message of Object.values(en)) {
      for (const text of typeof message === "string" ? [message] : Object.values(message)) expect(text).not.toBe("");
    }
  });

  it("fall back to the server's own word", () => {
    expect(word("order.status", "in_progress")).toBe("In progress");
    expect(word("order.status", "on_hold")).toBe("On hold");
    expect(known("problem", "constructor")).toBeNull();
  });
});

const texts = (message: Message): string[] => (typeof message === "string" ? [message] : Object.values(message));
const blanks = (message: Message) => [...new Set(texts(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();

describe("German", () => {
  afterEach(() => setLanguage("en"));

  it("fills the same blanks as English in every message, and leaves none empty", () => {
    for (const [key, message] of Object.entries(en)) {
      const german = de[key as keyof typeof en];
      expect(blanks(german), key).toEqual(blanks(message));
      for (const text of texts(german)) expect(text, key).not.toBe("");
    }
  });

  it("is spoken after it was chosen, with its own numbers", async () => {
    await setLanguage("de");
    expect(t("upload.progress.files", { done: 3, total: 1200 })).toBe("3 von 1.200 Dateien");
    expect(formatDay("2026-03-01")).toBe("01. März 2026");
  });
});

describe("the language of the tests", () => {
  it("has every message, with its blanks, longer than in English", () => {
    for (const [key, message] of Object.entries(en)) {
      const said = pseudo[key as keyof typeof en];
      expect(blanks(said), key).toEqual(blanks(message));
      for (const [place, text] of texts(said).entries()) expect(text.length, key).toBeGreaterThan(1.3 * (texts(message)[place] ?? "").length);
    }
  });
});

describe("the language of a visit", () => {
  it("is the one kept, else the browser's first that there is, else English", () => {
    expect(chosenLanguage("de", ["en-GB"])).toBe("de");
    expect(chosenLanguage(null, ["fr-FR", "de-AT", "en"])).toBe("de");
    expect(chosenLanguage("xx", ["fr"])).toBe("en");
    expect(chosenLanguage(null, ["constructor"])).toBe("en");
  });
});

describe("values", () => {
  it("are sizes and dates people read", () => {
    expect(formatBytes(524_288)).toBe("524 kB");
    expect(formatBytes(12_345_678)).toBe("12.3 MB");
    expect(formatBytes(2_000_398_934_016)).toBe("2.0 TB");
    expect(formatDay("2026-03-01")).toBe("01 Mar 2026");
    expect(formatDay("unknown")).toBe("unknown");
  });
});

describe("person names", () => {
  it.each([
    ["DOE^JANE", "DOE, JANE"],
    ["Doe^Jane^Mary^Dr.^PhD", "Doe, Dr. Jane Mary, PhD"],
    ["Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎)"],
    ["=山田^太郎", "山田, 太郎"],
    ["Jane Doe", "Jane Doe"],
    ["^^", ""],
    ["", ""],
  ])("%s is shown as %s", (raw, shown) => {
    expect(personName(raw)).toBe(shown);
  });
});
