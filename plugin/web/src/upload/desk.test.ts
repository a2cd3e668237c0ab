import { describe, expect, it } from "vitest";
import type { Order, Patient } from "../api/types";
import { PORTION } from "./arrived";
import { DAMAGED, UploadDesk } from "./desk";
import type { Header } from "./read/header";
import type { Answer, Request } from "./read/messages";
import type { Found } from "./read/reader";
import { fileSource } from "./read/source";

const order = (id: string) => ({ order: { id } as Order, patient: { id: "p" } as Patient });
const file = (name: string) => ({ file: new File(["x"], name), name });
const image = (name: string, studyInstanceUid: string): Found => ({
  kind: "image",
  source: fileSource(new File(["x"], name), name),
  header: { studyInstanceUid, seriesInstanceUid: `${studyInstanceUid}.1`, patientId: "M", patientName: "", birthDate: "", seriesNumber: "1", instanceNumber: "1" } as Header,
});

/** A desk whose reader and clock the test drives. */
function bench() {
  let tell: (answer: Answer) => void = () => {};
  const asked: Request[] = [];
  const timers: (() => void)[] = [];
  const dropped: string[] = [];
  const desk = new UploadDesk({
    openReader: (answer) => { tell = answer; return { post: (request) => void asked.push(request) }; },
    later: (_ms, call) => { timers.push(call); return () => {}; },
    pictureUrl: () => "blob:picture",
    dropUrl: (url) => void dropped.push(url),
  });
  const pass = () => { for (const call of timers.splice(0)) call(); };
  const run = () => { const last = asked.filter((each) => each.kind === "read").at(-1); return last?.kind === "read" ? last.run : 0; };
  const answer = (found: Found[], which = run()) => {
    tell({ kind: "progress", run: which, progress: { found, read: found.length, known: found.length } });
    tell({ kind: "done", run: which });
    pass();
  };
  return { desk, asked, answer, pass, run, tell: (each: Answer) => tell(each), dropped };
}

describe("the files on the table", () => {
  it("are grouped once they are read, and sent by study with what was decided", () => {
    const { desk, answer } = bench();
    desk.startFor(order("o1"));
    desk.add([file("a"), file("b"), file("c")]);
    expect(desk.snapshot().reading).toBe(true);
    answer([image("a", "1"), image("b", "2"), { kind: "damaged", source: fileSource(new File(["x"], "c"), "c") }]);
    desk.choose("2", { include: false });
    const { items, options } = desk.packed();
    expect(items.map(({ source, group }) => [source.name, group])).toEqual([["a", "1"], ["c", DAMAGED]]);
    expect(options.get("1")).toEqual({ orderId: "o1", patientId: "p" });
  });

  it("that are larger than the server takes are named and never sent, whenever it says so", () => {
    const { desk, answer } = bench();
    const large = (name: string): Found => ({ ...image(name, "1"), source: { ...fileSource(new File(["x"], name), name), size: 9 } }) as Found;
    const damaged = (name: string, size: number): Found => ({ kind: "damaged", source: { ...fileSource(new File(["x"], name), name), size } });
    desk.add([file("a"), file("b"), file("c"), file("d")]);
    answer([image("a", "1"), large("b"), damaged("c", 9), damaged("d", 8)]);
    expect(desk.snapshot().tooLarge).toEqual([]);
    expect(desk.packed().items).toHaveLength(4);
    desk.limitTo(8);
    expect(desk.snapshot().tooLarge).toEqual([{ name: "b", size: 9 }, { name: "c", size: 9 }]);
    expect(desk.packed().items.map(({ source }) => source.name)).toEqual(["a", "d"]);
    desk.clear();
    expect(desk.snapshot().tooLarge).toEqual([]);
    desk.add([file("b")]);
    answer([large("b")]);
    expect(desk.packed().items).toEqual([]);
    expect(desk.snapshot().tooLarge).toHaveLength(1);
  });

  it("keep whose one study is by hand when all of its patient are decided, whatever all get", () => {
    const { desk, answer } = bench();
    const whose = (id: string) => ({ kind: "patient", patient: { id } as Patient }) as const;
    desk.add([file("a"), file("b"), file("c")]);
    answer([image("a", "1"), image("b", "2"), image("c", "3")]);
    desk.choose("3", { link: whose("q") });
    desk.choose("2", { include: false });
    desk.choose("2", { include: true });
    const said = () => ["1", "2", "3"].map((uid) => desk.packed().options.get(uid)?.patientId);
    const { key } = desk.snapshot().patients[0]!;
    desk.decide(key, whose("p"));
    expect(said()).toEqual(["p", "p", "q"]);
    desk.decide(key, { kind: "automatic" });
    expect(said()).toEqual([undefined, undefined, "q"]);
  });

  it("with a damaged header are never sent for the chosen order: nobody has seen whose they are", () => {
    const { desk, answer } = bench();
    desk.startFor(order("o1"));
    desk.add([file("c")]);
    answer([{ kind: "damaged", source: fileSource(new File(["x"], "c"), "c") }]);
    expect(desk.packed().options.get(DAMAGED)).toEqual({});
    desk.sendDamaged(false);
    expect(desk.packed().items).toEqual([]);
  });

  it("do not change hands when another order is opened", () => {
    const { desk, answer } = bench();
    expect(desk.startFor(order("o1"))).toBe(true);
    desk.add([file("a")]);
    answer([image("a", "1")]);
    expect(desk.startFor(order("o2"))).toBe(false);
    expect(desk.startFor(null)).toBe(false);
    expect(desk.packed().options.get("1")).toEqual({ orderId: "o1", patientId: "p" });
    desk.clear();
    expect(desk.startFor(order("o2"))).toBe(true);
  });

  it("are handed to the reader a few at a time, and counted all at once", () => {
    const { desk, asked, answer } = bench();
    const names = Array.from({ length: 2 * PORTION + 1 }, (_, at) => `IM${at}`);
    desk.add(names.map(file));
    const portions = () => asked.flatMap((each) => (each.kind === "read" ? [each.sources.map(({ name }) => name)] : []));
    for (let read = 1; read <= 3; read++) {
      expect(desk.snapshot()).toMatchObject({ reading: true, known: names.length });
      expect(portions()).toHaveLength(read);
      answer(portions().at(-1)!.map((name) => image(name, "1")));
    }
    expect(portions().flat()).toEqual(names);
    expect(desk.snapshot()).toMatchObject({ reading: false, read: names.length, known: names.length });
    expect(desk.snapshot().patients[0]?.studies[0]?.fileIds).toHaveLength(names.length);
  });

  it("may grow while others are still being read", () => {
    const { desk, asked, answer } = bench();
    desk.add([file("a")]);
    desk.add([file("b")]);
    expect(asked.filter(({ kind }) => kind === "read")).toHaveLength(1);
    answer([image("a", "1")]);
    answer([image("b", "1")]);
    expect(desk.snapshot().patients[0]?.studies[0]?.fileIds).toHaveLength(2);
    expect(desk.snapshot()).toMatchObject({ reading: false, read: 2, known: 2 });
  });

  it("are gone after they were taken away, and late answers about them are not heard", () => {
    const { desk, answer, run, tell, pass, dropped } = bench();
    desk.add([file("a")]);
    answer([image("a", "1")]);
    tell({ kind: "picture", series: "1.1", picture: new Blob() });
    pass();
    expect(desk.snapshot().pictures.get("1.1")).toBe("blob:picture");
    const old = run();
    desk.clear();
    expect(dropped).toEqual(["blob:picture"]);
    answer([image("a", "1")], old);
    tell({ kind: "picture", series: "1.1", picture: new Blob() });
    pass();
    expect(desk.snapshot()).toMatchObject({ known: 0, patients: [] });
    expect(desk.snapshot().pictures.size).toBe(0);
  });

  it("keep the person's choice of patient and corrections", () => {
    const { desk, answer } = bench();
    desk.add([file("a")]);
    answer([image("a", "1")]);
    desk.choose("1", { link: { kind: "patient", patient: { id: "p9" } as Patient }, tags: { StudyDate: "20260101" } });
    expect(desk.packed().options.get("1")).toEqual({ patientId: "p9", tags: { StudyDate: "20260101" } });
  });
});
