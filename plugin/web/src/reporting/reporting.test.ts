import { describe, expect, it, vi } from "vitest";
import type { ReportItem } from "../api/reports";
import type { Order } from "../api/types";
import { meaningOf, SHORTCUTS } from "./keys";
import { expanded, inserted } from "./macros";
import { Following, Leading, type Channel } from "./screen";
import { isTaken, nextOf, unreadOf } from "./worklist";

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
  const order = (id: string, more: Partial<Order> = {}) =>
    ({ id, accession_number: id, study_instance_uid: `1.${id}`, number_of_images: 3, priority: null, uploaded_at: null, scheduled_at: "2026-11-29T10:00:00Z", created_at: "", ...more }) as Order;
  const report = (more: Partial<ReportItem>) => ({ id: "r", status: "draft", order_ids: [], study_instance_uid: null, claim: null, ...more }) as ReportItem;

  it("has emergencies first, then what has waited longest, and one line for a study", () => {
    const list = unreadOf([order("3", { scheduled_at: "2026-11-29T12:00:00Z" }), order("1"), order("2", { priority: "STAT", scheduled_at: "2026-11-29T13:00:00Z" }), order("4", { study_instance_uid: "1.1" }), order("5", { number_of_images: 0 })], []);
    expect(list.map((one) => one.order.id)).toEqual(["2", "1", "3"]);
    expect(list[1]?.orders.map(({ id }) => id)).toEqual(["1", "4"]);
  });

  it("says who is reading, and goes on with what nobody reads", () => {
    const claim = { by: { subject: "eva", name: "Eva" }, until: "" };
    const list = unreadOf([order("1"), order("2"), order("3")], [report({ order_ids: ["2"], claim }), report({ order_ids: ["3"], status: "entered_in_error" })]);
    expect(list.map((one) => isTaken(one, "ravi"))).toEqual([false, true, false]);
    expect(isTaken(list[1]!, "eva")).toBe(false);
    expect(list[2]?.report).toBeNull();
    expect(nextOf(list, { study: "1.1", orders: ["1"] }, "ravi")?.order.id).toBe("3");
    expect(nextOf(list.slice(0, 2), { study: "1.1", orders: [] }, "ravi")).toBeNull();
  });
});
