import { describe, expect, it, vi } from "vitest";
import type { Unread } from "../api/reports";
import { meaningOf, SHORTCUTS } from "./keys";
import { expanded, inserted } from "./macros";
import { Following, Leading, type Channel } from "./screen";
import { isTaken, nextOf, subjectOf, titleOf } from "./worklist";

const key = (more: Partial<KeyboardEvent>) => ({ key: "", code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

describe("shortcuts", () => {
  it("are those that the page lists", () => {
    const acts = SHORTCUTS.map(({ keys }) => {
      const last = keys.at(-1)!;
      const code = { "↓": "ArrowDown", "↑": "ArrowUp" }[last] ?? `Key${last}`;
      return meaningOf(key({ key: last, code, altKey: keys[0] === "Alt", ctrlKey: keys[0] === "Ctrl" }));
    });
    expect(acts).toEqual(SHORTCUTS.map(({ act }) => act));
  });

  it("leave typing alone, also where Alt writes a character", () => {
    for (const typed of [{ key: "m", code: "KeyM" }, { key: "Enter" }, { key: "@", code: "KeyL", altKey: true }, { key: "M", code: "KeyM", altKey: true, ctrlKey: true }]) expect(meaningOf(key(typed))).toBeNull();
  });
});

describe("a macro", () => {
  const macros = [{ name: "normal", text: "No abnormality." }];
  it("stands where its name was typed, with the cursor behind it", () => {
    expect(expanded({ text: "Lungs: .normal  More", caret: 15 }, macros)).toEqual({ text: "Lungs: No abnormality.  More", caret: 23 });
    expect(expanded({ text: ".Normal ", caret: 8 }, macros)?.text).toBe("No abnormality. ");
    expect(expanded({ text: ".normal\nMore", caret: 8 }, macros)?.text).toBe("No abnormality.\nMore");
  });
  it("is not made of what merely looks like one", () => {
    for (const text of ["3.normal ", ".other ", "normal "]) expect(expanded({ text, caret: text.length }, macros)).toBeNull();
  });
  it("goes in where the cursor is", () => {
    expect(inserted({ text: "ab", caret: 1 }, "X")).toEqual({ text: "aXb", caret: 2 });
  });
});

/** Two windows on one channel. */
function channels(count: number): Channel[] {
  const all: Channel[] = [];
  for (let at = 0; at < count; at++) {
    const own: Channel = {
      onmessage: null,
      close: () => {},
      postMessage: (data: unknown) => all.filter((one) => one !== own).forEach((one) => one.onmessage?.({ data } as MessageEvent)),
    };
    all.push(own);
  }
  return all;
}

describe("the second screen", () => {
  it("shows each study that is read, also when it was opened before or after", () => {
    const [report, images] = channels(2) as [Channel, Channel];
    const [onWindow, onShow] = [vi.fn(), vi.fn()];
    const leading = new Leading(report, "ravi", onWindow);
    leading.show("1.2");
    const following = new Following(images, "ravi", onShow);
    expect(onShow.mock.calls).toEqual([["1.2"]]);
    leading.show("1.3");
    expect(onShow).toHaveBeenLastCalledWith("1.3");
    following.close();
    expect(onWindow.mock.calls).toEqual([[true], [false]]);
  });

  it("is found by a report that is opened later", () => {
    const [images, report] = channels(2) as [Channel, Channel];
    const onShow = vi.fn();
    new Following(images, "ravi", onShow);
    const leading = new Leading(report, "ravi", (isThere) => expect(isThere).toBe(true));
    leading.show("1.4");
    expect(onShow).toHaveBeenLastCalledWith("1.4");
  });

  it("listens to the same person only, and to nothing odd", () => {
    const [report, images] = channels(2) as [Channel, Channel];
    const onShow = vi.fn();
    new Following(images, "ravi", onShow);
    new Leading(report, "somebody else", vi.fn()).show("1.2");
    report.postMessage({ say: "show", study: "javascript:1", by: "ravi" });
    report.postMessage("show");
    expect(onShow).not.toHaveBeenCalled();
  });
});

describe("the reading list", () => {
  const row = (id: string, more: object = {}) => ({ study_instance_uid: `1.${id}`, orders: [{ id, accession_number: id, description: "" }], report: null, modalities: ["CT"], study_description: null, ...more }) as unknown as Unread;
  const held = { claim: { by: { subject: "eva", name: "Eva" }, until: "" } };

  it("says who is reading, and goes on with what nobody reads", () => {
    const list = [row("1"), row("2", { report: held }), row("3")];
    expect(list.map((one) => isTaken(one, "ravi"))).toEqual([false, true, false]);
    expect(isTaken(list[1]!, "eva")).toBe(false);
    expect(nextOf(list, { study: "1.1", orders: ["1"] }, "ravi")).toBe(list[2]);
    expect(nextOf(list, { study: null, orders: ["1"] }, "ravi")).toBe(list[2]);
    expect(nextOf(list.slice(0, 2), { study: "1.1", orders: [] }, "ravi")).toBeNull();
  });

  it("names a study by its orders, and else by what its images say", () => {
    expect(titleOf(row("1", { orders: [{ id: "1", accession_number: "A1", description: "MR brain" }, { id: "2", accession_number: "A2", description: "" }] }))).toBe("MR brain, A2");
    expect(titleOf(row("1", { orders: [], study_description: "Thorax" }))).toBe("Thorax");
    expect(titleOf(row("1", { orders: [] }))).toBe("CT");
    expect(subjectOf(row("1", { orders: [] })).of).toEqual({ study_instance_uid: "1.1" });
    expect(subjectOf(row("1")).of).toEqual({ order_id: "1" });
  });
});
