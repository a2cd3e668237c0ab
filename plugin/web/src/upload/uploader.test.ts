import { describe, expect, it } from "vitest";
import { Session } from "../api/session";
import type { KnownFile, SendOptions } from "./known/known";
import type { LookedUp, LookUp } from "./known/lookUp";
import { fileSource } from "./read/source";
import { bodyOf, contentDigest, percentEncoded, type Sending } from "./transport";
import { Uploader } from "./uploader";
import type { Reply } from "./verdict";

const good: Reply = {
  kind: "answer",
  sent: 500,
  status: 201,
  retryAfter: null,
  body: { instances: [{ status: "stored", study_instance_uid: "1" }], studies: [] },
};
const code = (status: number, retryAfter: string | null = null): Reply => ({ kind: "answer", status, retryAfter, body: undefined, sent: 500 });
const soon = new Date(Date.now() + 3_600_000).toISOString();

/** An uploader whose clock and network the test drives. */
function bench(reply: (sending: Sending, nth: number) => Reply | Promise<Reply>, lookUp: LookUp | null = null) {
  let now = 0;
  let timers: { at: number; call: () => void }[] = [];
  const sent: Sending[] = [];
  const session = new Session(null);
  session.begin({ token: "one", expires_at: soon }, "alice");
  const uploader = new Uploader({
    send: async (sending) => reply(sending, sent.push(sending)),
    lookUp,
    session,
    newId: (() => { let id = 0; return () => `upload-${++id}`; })(),
    now: () => now,
    later: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return () => { timers = timers.filter((each) => each !== timer); };
    },
  });
  const settle = async () => {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  };
  const pass = async (ms: number) => {
    await settle();
    now += ms;
    const due = timers.filter((timer) => timer.at <= now);
    timers = timers.filter((timer) => timer.at > now);
    for (const { call } of due) call();
    await settle();
  };
  const forOrder = new Map([["study", { orderId: "7" }]]);
  const add = (count: number, options: ReadonlyMap<string, SendOptions> = forOrder) =>
    uploader.begin(
      Array.from({ length: count }, (_, at) => ({ source: fileSource(new File(["x"], `IM${at}`), `IM${at}`), group: "study" })),
      options,
    );
  const states = () => uploader.snapshot().files.map((file) => file.state);
  return { add, uploader, session, sent, pass, states };
}

describe("driving an upload", () => {
  it("sends every file once, under one upload id, for the order and with the token", async () => {
    const { sent, pass, add, states } = bench(() => good);
    add(9);
    await pass(200);
    expect(states()).toEqual(Array(9).fill("stored"));
    expect(sent).toHaveLength(9);
    expect(new Set(sent.map((each) => `${each.uploadId} ${each.options.orderId} ${each.token}`)).size).toBe(1);
  });

  it("waits for a busy server and then goes on by itself", async () => {
    const { sent, pass, add, states } = bench((_, nth) => (nth === 1 ? code(503, "2") : good));
    add(1);
    await pass(1000);
    expect(sent).toHaveLength(1);
    await pass(1000);
    await pass(200);
    expect(states()).toEqual(["stored"]);
  });

  it("keeps its place when the session ends, and goes on with the new token", async () => {
    const { session, sent, pass, add, states } = bench(({ token }) => (token === "one" ? code(401) : good));
    add(6);
    await pass(200);
    expect(session.snapshot().kind).toBe("ended");
    expect(states()).toEqual(Array(6).fill("waiting"));
    session.begin({ token: "two", expires_at: soon }, "alice");
    await pass(200);
    await pass(200);
    expect(states()).toEqual(Array(6).fill("stored"));
    expect(sent.filter((each) => each.token === "two")).toHaveLength(6);
  });

  it("cancels what is on its way, hears no late answer, and can send it after all", async () => {
    let answerNow: (reply: Reply) => void = () => {};
    const { uploader, sent, pass, add, states } = bench((_, nth) =>
      nth === 1 ? new Promise<Reply>((resolve) => { answerNow = resolve; }) : good,
    );
    add(1);
    await pass(0);
    uploader.cancel();
    expect(sent[0]?.signal.aborted).toBe(true);
    answerNow(good);
    await pass(200);
    expect(states()).toEqual(["cancelled"]);
    uploader.retry();
    await pass(200);
    await pass(200);
    expect(states()).toEqual(["stored"]);
    expect(sent[1]?.uploadId).toBe(sent[0]?.uploadId);
  });

  it("begins a new upload after a finished one, not while one runs", async () => {
    const { uploader, sent, pass, add } = bench(() => good);
    let finished = 0;
    uploader.onFinished(() => { finished += 1; });
    add(1);
    add(1);
    await pass(200);
    await pass(200);
    expect(uploader.isActive()).toBe(false);
    expect(finished).toBe(1);
    expect(sent).toHaveLength(1);
    add(1);
    await pass(200);
    expect(new Set(sent.map((each) => each.uploadId)).size).toBe(2);
  });

  it("sends nothing more while paused, and all of it in the end, each file once", async () => {
    const { uploader, sent, pass, add, states } = bench(() => good);
    add(3);
    uploader.pause();
    await pass(200);
    await pass(200);
    const before = sent.length;
    await pass(60_000);
    expect(sent).toHaveLength(before);
    uploader.resume();
    await pass(200);
    await pass(200);
    expect(states()).toEqual(Array(3).fill("stored"));
    expect(sent).toHaveLength(3);
  });

  it("survives a cut of the network by itself", async () => {
    let up = true;
    const { sent, pass, add, states } = bench(() => (up ? good : { kind: "network" }));
    up = false;
    add(12);
    for (let nth = 0; nth < 10; nth += 1) await pass(10_000);
    expect(states()).toEqual(Array(12).fill("waiting"));
    up = true;
    for (let nth = 0; nth < 5; nth += 1) await pass(10_000);
    expect(states()).toEqual(Array(12).fill("stored"));
    expect(sent.length).toBeGreaterThan(12);
  });

  it("tries again at once when the browser says that the network is back", async () => {
    let up = false;
    const { uploader, pass, add, states } = bench(() => (up ? good : { kind: "network" }));
    add(1);
    await pass(200);
    up = true;
    uploader.online();
    await pass(200);
    await pass(200);
    expect(states()).toEqual(["stored"]);
  });

  it("names a file that can no longer be read and sends the others", async () => {
    const { uploader, pass, states } = bench(() => good);
    const gone = fileSource(new File([], "gone.zip"), "gone.zip/IM1");
    gone.entry = { name: "IM1", size: 5, packedSize: 5, offset: 0, deflated: false };
    uploader.begin([{ source: gone, group: "s" }, { source: fileSource(new File(["x"], "a"), "a"), group: "s" }], new Map());
    await pass(200);
    // Reading a Blob takes turns of the event loop that no promise waits for.
    await new Promise((done) => setTimeout(done, 20));
    await pass(200);
    expect(states()).toEqual(["failed", "stored"]);
    expect(uploader.snapshot().files[0]?.problem?.code).toBe("file_unreadable");
  });

  it("forgets everything on sign-out", async () => {
    const { uploader, pass, add } = bench(() => new Promise<Reply>(() => {}));
    add(2);
    await pass(200);
    expect(uploader.isActive()).toBe(true);
    uploader.forget();
    await pass(200);
    expect(uploader.isActive()).toBe(false);
    expect(uploader.snapshot().files).toEqual([]);
  });
});

describe("files the server has already", () => {
  const file: KnownFile = { studyInstanceUid: "1", link: { status: "linked", patientId: "p", orderId: "7" } };
  const said = (known: KnownFile | null): LookedUp => ({ sha256: "ab", known });
  const all: LookUp = async (sources) => sources.map(() => said(file));
  const some: LookUp = async (sources) => sources.map(({ name }) => said(Number(name.slice(2)) % 2 === 1 ? file : null));

  it("are not sent, and the others say how many they are", async () => {
    const { sent, pass, add, states } = bench(() => good, some);
    add(6);
    for (let nth = 0; nth < 4; nth += 1) await pass(200);
    expect(states()).toEqual(["stored", "skipped", "stored", "skipped", "stored", "skipped"]);
    expect(sent.map((each) => [each.name, each.total])).toEqual([["IM0", 3], ["IM2", 3], ["IM4", 3]]);
  });

  it("end an upload of which nothing has to be sent, and are sent when the person wants it", async () => {
    const { uploader, sent, pass, add, states } = bench(() => good, all);
    let finished = 0;
    uploader.onFinished(() => { finished += 1; });
    add(20);
    for (let nth = 0; nth < 4; nth += 1) await pass(200);
    expect([new Set(states()), finished, sent.length]).toEqual([new Set(["skipped"]), 1, 0]);
    uploader.sendAnyway();
    for (let nth = 0; nth < 4; nth += 1) await pass(200);
    expect([new Set(states()), finished, sent.length, sent[0]?.total]).toEqual([new Set(["stored"]), 2, 20, 20]);
  });

  it("are sent all the same when they were meant for somebody else, or with corrections", async () => {
    let asked = 0;
    const counting: LookUp = (sources, signal) => { asked += sources.length; return all(sources, signal); };
    const choices: SendOptions[] = [{ orderId: "8" }, { patientId: "q" }, { orderId: "7", tags: { PatientID: "M" } }];
    for (const choice of choices) {
      const { pass, add, states } = bench(() => good, counting);
      add(1, new Map([["study", choice]]));
      for (let nth = 0; nth < 3; nth += 1) await pass(200);
      expect(states()).toEqual(["stored"]);
    }
    expect(asked).toBe(2);
    const { pass, add, states } = bench(() => good, all);
    add(1, new Map([["study", { patientId: "p" }]]));
    await pass(200);
    await pass(200);
    expect(states()).toEqual(["skipped"]);
  });

  it("are sent when asking fails, and soon nothing more is asked", async () => {
    let asked = 0;
    const { sent, pass, add, states } = bench(() => good, () => { asked += 1; return Promise.reject(new Error()); });
    add(300);
    for (let nth = 0; nth < 80; nth += 1) await pass(200);
    expect(new Set(states())).toEqual(new Set(["stored"]));
    expect([asked, sent.length, sent.at(-1)?.total]).toEqual([2, 300, 300]);
  });

  it("are not looked up while the person pauses, nor after cancelling", async () => {
    let asked = 0;
    const { uploader, sent, pass, add, states } = bench(() => good, async (sources) => { asked += 1; return sources.map(() => said(null)); });
    add(30);
    uploader.pause();
    await pass(200);
    await pass(200);
    expect([asked, sent.length]).toEqual([1, 0]);
    uploader.cancel();
    await pass(200);
    expect([asked, new Set(states())]).toEqual([1, new Set(["cancelled"])]);
  });

  it("are no matter for a look-up that answers after it was cancelled", async () => {
    let tell: (files: LookedUp[]) => void = () => {};
    const { uploader, pass, add, states } = bench(() => good, () => new Promise((resolve) => { tell = resolve; }));
    add(1);
    await pass(200);
    uploader.cancel();
    tell([said(file)]);
    await pass(200);
    expect(states()).toEqual(["cancelled"]);
  });
});

describe("the digest of a file", () => {
  const unknown: LookUp = async (sources) => sources.map(({ name }) => ({ sha256: `of ${name}`, known: null }));

  it("goes with it, so that the server sees what was damaged on the way", async () => {
    const { sent, pass, add } = bench(() => good, unknown);
    add(2);
    await pass(200);
    await pass(200);
    expect(sent.map((each) => each.sha256)).toEqual(["of IM0", "of IM1"]);
  });

  const damaged: Reply = { kind: "answer", status: 422, retryAfter: null, body: { code: "digest_mismatch", detail: "" }, sent: 500 };

  it("is left out when a refused file is tried again, which may have changed", async () => {
    const { uploader, sent, pass, add, states } = bench((_, nth) => (nth === 1 ? damaged : good), unknown);
    add(1);
    await pass(200);
    await pass(200);
    expect(states()).toEqual(["failed"]);
    uploader.retry();
    await pass(200);
    await pass(200);
    expect([states(), sent.map((each) => each.sha256)]).toEqual([["stored"], ["of IM0", null]]);
  });

  it("is written as RFC 9530 writes it", () => {
    // of no bytes at all
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    expect(contentDigest(empty)).toBe("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
  });
});

describe("the body of a request", () => {
  it("is the file itself, or the corrections and the file as two parts", async () => {
    const file = new Blob(["DICM"]);
    expect(bodyOf(file, {}, "u")).toEqual({ type: "application/dicom", body: file });
    const { type, body } = bodyOf(file, { PatientID: "M-1" }, "u");
    expect(type).toContain("multipart/related");
    expect(await body.text()).toContain('{"tags":{"PatientID":"M-1"}}\r\n--part-u\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--part-u--');
  });
});

describe("a file's name in a header", () => {
  it("is percent-encoded UTF-8, whatever the name", () => {
    expect(percentEncoded("Schädel 1.dcm")).toBe("Sch%C3%A4del%201.dcm");
    expect(percentEncoded("a\r\nb")).toBe("a%0D%0Ab");
    expect(percentEncoded("x\uD800y")).toBe("x%EF%BF%BDy");
    expect(percentEncoded("\u{1F9E0}")).toBe("%F0%9F%A7%A0");
  });
});
