import { describe, expect, it } from "vitest";
import { Session } from "../auth/session";
import { UploadCenter } from "./center";
import type { Sending } from "./transport";
import { percentEncoded } from "./transport";
import type { Reply } from "./verdict";

const good: Reply = {
  kind: "answer",
  status: 201,
  retryAfter: null,
  body: { instances: [{ status: "stored", study_instance_uid: "1" }], studies: [] },
};
const code = (status: number, retryAfter: string | null = null): Reply => ({ kind: "answer", status, retryAfter, body: undefined });
const soon = new Date(Date.now() + 3_600_000).toISOString();

/** A centre whose clock and network the test drives. */
function bench(reply: (sending: Sending, nth: number) => Reply | Promise<Reply>) {
  let now = 0;
  let timers: { at: number; call: () => void }[] = [];
  const sent: Sending[] = [];
  const session = new Session(null);
  session.begin({ token: "one", expires_at: soon }, "alice");
  const center = new UploadCenter({
    send: async (sending) => reply(sending, sent.push(sending)),
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
  const uploader = center.for({ orderId: "7", accessionNumber: "A7" });
  const files = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ file: new File(["x"], `IM${at}`), name: `IM${at}` }));
  const states = () => uploader.snapshot().files.map((file) => file.state);
  return { center, uploader, session, sent, pass, files, states };
}

describe("driving an upload", () => {
  it("sends every file once, under one upload id, for the order and with the token", async () => {
    const { uploader, sent, pass, files, states } = bench(() => good);
    uploader.add(files(9));
    await pass(200);
    expect(states()).toEqual(Array(9).fill("stored"));
    expect(sent).toHaveLength(9);
    expect(new Set(sent.map((each) => `${each.uploadId} ${each.orderId} ${each.token}`)).size).toBe(1);
  });

  it("waits for a busy server and then goes on by itself", async () => {
    const { uploader, sent, pass, files, states } = bench((_, nth) => (nth === 1 ? code(503, "2") : good));
    uploader.add(files(1));
    await pass(1000);
    expect(sent).toHaveLength(1);
    await pass(1000);
    await pass(200);
    expect(states()).toEqual(["stored"]);
  });

  it("keeps its place when the session ends, and goes on with the new token", async () => {
    const { uploader, session, sent, pass, files, states } = bench(({ token }) => (token === "one" ? code(401) : good));
    uploader.add(files(6));
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
    const { uploader, sent, pass, files, states } = bench((_, nth) =>
      nth === 1 ? new Promise<Reply>((resolve) => { answerNow = resolve; }) : good,
    );
    uploader.add(files(1));
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

  it("begins a new upload after a finished one and lists itself as running only while it runs", async () => {
    const { center, uploader, sent, pass, files } = bench(() => good);
    let finished = 0;
    center.onFinished(() => { finished += 1; });
    uploader.add(files(1));
    await pass(200);
    await pass(200);
    expect(center.running()).toEqual([]);
    expect(finished).toBe(1);
    uploader.add(files(1));
    await pass(200);
    expect(new Set(sent.map((each) => each.uploadId)).size).toBe(2);
  });

  it("forgets everything on sign-out", async () => {
    const { center, uploader, pass, files } = bench(() => new Promise<Reply>(() => {}));
    uploader.add(files(2));
    await pass(200);
    expect(center.running()).toHaveLength(1);
    center.forgetAll();
    expect(center.running()).toEqual([]);
    expect(center.for({ orderId: "7", accessionNumber: "A7" }).snapshot().files).toEqual([]);
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
