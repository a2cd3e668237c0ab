import { afterEach, describe, expect, it } from "vitest";
import { setLanguage } from ".";
import { fieldMessage } from "./fieldMessage";

afterEach(() => setLanguage("en"));

describe("what the server says is wrong with a field", () => {
  it("is said in the reader's language, with what it is about", async () => {
    await setLanguage("de");
    expect(fieldMessage("write at most 31 characters")).toBe("Höchstens 31 Zeichen.");
    expect(fieldMessage("nobody is born in the future")).toBe("Niemand wird in der Zukunft geboren.");
    expect(fieldMessage("write 130 or less")).toBe("Geben Sie 130 oder weniger ein.");
    expect(fieldMessage("write 'male' or 'female'")).toBe("Erwartet: 'male' or 'female'");
  });

  it("stays the server's own where there are no words for it", async () => {
    await setLanguage("de");
    expect(fieldMessage("two orders have this id")).toBe("two orders have this id");
  });
});
