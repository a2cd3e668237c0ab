import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Session } from "../api/session";
import { Tabs, type Channel } from "./tabs";

const LATER = "2099-01-01T00:00:00Z";
const answer = (token: string) => ({ token, expires_at: LATER });

/** A browser: its tabs hear each other, never themselves. */
function browser() {
  const said: unknown[] = [];
  const rooms = new Map<string, Set<Channel>>();
  const channel = (name: string): Channel => {
    const room = rooms.get(name) ?? new Set();
    rooms.set(name, room);
    const own: Channel = {
      onmessage: null,
      close: () => void room.delete(own),
      postMessage: (data: unknown) => {
        said.push(data);
        for (const each of [...room]) if (each !== own) each.onmessage?.({ data: structuredClone(data) } as MessageEvent);
      },
    };
    room.add(own);
    return own;
  };
  let clock = Date.now();
  const tab = ({ framed = false, kept = new Map<string, string>(), usedAt = 0 } = {}) => {
    const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
    const session = new Session(store, () => clock++);
    const heard = { adopted: 0, signedOut: 0, used: 0 };
    const shared = framed ? null : channel("session");
    const desk = channel("desk");
    const tabs = new Tabs({ session, shared, desk, onAdopted: () => heard.adopted++, onSignedOut: () => heard.signedOut++, onUsed: () => heard.used++, usedAt });
    const close = () => {
      shared?.close();
      desk.close();
    };
    return { session, tabs, heard, kept, close, state: () => session.snapshot() };
  };
  /** A tab with images, which hears only what is no secret. */
  const images = () => {
    const heard: unknown[] = [];
    channel("desk").onmessage = ({ data }) => void heard.push(data);
    return heard;
  };
  return { tab, said, images, now: () => clock };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function asked(tab: ReturnType<ReturnType<typeof browser>["tab"]>) {
  const done = tab.tabs.ask();
  await vi.runAllTimersAsync();
  await done;
}

describe("a new tab", () => {
  it("gets the session of the others, and nobody's when the last of them is closed", async () => {
    const { tab } = browser();
    const first = tab();
    first.session.begin(answer("t1"), "alice");
    const second = tab();
    await asked(second);
    expect(second.state()).toMatchObject({ kind: "active", token: "t1", username: "alice" });
    first.close();
    second.close();
    const third = tab();
    await asked(third);
    expect(third.state()).toEqual({ kind: "none" });
  });

  it("gets none of a person whom the EHR has signed in, and gives them none", async () => {
    const { tab, said } = browser();
    const launched = tab();
    launched.session.begin(answer("ehr"), "dora", true);
    const second = tab();
    await asked(second);
    expect(second.state()).toEqual({ kind: "none" });
    second.session.begin(answer("t1"), "alice");
    expect(launched.state()).toMatchObject({ kind: "active", token: "ehr" });
    expect(JSON.stringify(said)).not.toContain('"ehr"');
  });

  it("in a frame neither asks nor answers", async () => {
    const { tab } = browser();
    const framed = tab({ framed: true });
    framed.session.begin(answer("t1"), "alice");
    const second = tab();
    await asked(second);
    expect(second.state().kind).toBe("none");
    const other = tab({ framed: true });
    second.session.begin(answer("t2"), "alice");
    await asked(other);
    expect(other.state().kind).toBe("none");
  });

  it("is locked where the others are, without their token", async () => {
    const { tab } = browser();
    const first = tab();
    first.session.begin(answer("t1"), "alice");
    first.session.lock();
    const second = tab();
    await asked(second);
    expect(second.state()).toEqual({ kind: "locked", username: "alice", launched: false, held: null, next: null });
    expect([...second.kept.values()].join()).not.toContain("t1");
  });

  it("does not believe what is no session", async () => {
    const { tab } = browser();
    const { tabs, state } = tab();
    for (const data of [null, "x", { say: "session", held: { token: 1 } }, { say: "session", held: { token: "t", username: "eve", launched: true } }]) {
      (tabs as unknown as { hear: (data: unknown) => void }).hear(data);
    }
    expect(state().kind).toBe("none");
  });
});

describe("tabs of one browser", () => {
  it("are signed out together, but for those that the EHR has opened", () => {
    const { tab } = browser();
    const [one, two, launched] = [tab(), tab(), tab()];
    launched.session.begin(answer("ehr"), "alice", true);
    one.session.begin(answer("t1"), "alice");
    one.session.signOut();
    expect(two.state()).toEqual({ kind: "none", signedOut: true });
    expect(two.heard.signedOut).toBe(1);
    expect(launched.state().kind).toBe("active");
  });

  it("are locked together, and unlocked by the new session of the same person", () => {
    const { tab } = browser();
    const [one, two] = [tab(), tab()];
    one.session.begin(answer("t1"), "alice");
    two.session.lock();
    expect(one.state().kind).toBe("locked");
    expect(one.session.token()).toBe("t1"); // uploads go on
    one.session.begin(answer("t2"), "alice");
    expect(two.state()).toMatchObject({ kind: "active", token: "t2" });
    expect(two.heard.adopted).toBe(2);
  });

  it("hide the page of one person when another signs in, and show it to nobody but them", () => {
    const { tab } = browser();
    const [alices, other] = [tab(), tab()];
    alices.session.begin(answer("t1"), "alice");
    other.session.lock();
    other.session.leave();
    other.session.begin(answer("t2"), "bob");
    expect(alices.state()).toMatchObject({ kind: "locked", username: "alice", next: { username: "bob" } });
    expect([...alices.kept.values()].join()).not.toContain("t1"); // reloaded it is Bob's
    alices.session.begin(answer("t3"), "alice");
    expect(alices.state()).toMatchObject({ kind: "active", username: "alice", token: "t3" });
    expect(other.state()).toMatchObject({ kind: "locked", username: "bob", next: { username: "alice" } });
    alices.session.signOut();
    expect(other.state()).toMatchObject({ kind: "locked", username: "bob", next: null });
  });

  it("agree on one session when two began at the same moment", () => {
    const { tab } = browser();
    const [one, two] = [tab(), tab()];
    one.session.begin(answer("t1"), "alice");
    const held = (token: string) => ({ token, expiresAt: null, username: "alice", launched: false, since: 9e15 });
    one.session.adopt(held("a"));
    one.session.adopt(held("b"));
    two.session.adopt(held("b"));
    expect(two.session.adopt(held("a"))).toBe(false);
    expect([one.session.token(), two.session.token()]).toEqual(["b", "b"]);
  });

  it("go on with the new session when the old one's refusal comes late", () => {
    const { tab } = browser();
    const [one, two] = [tab(), tab()];
    one.session.begin(answer("t1"), "alice");
    two.session.begin(answer("t2"), "alice");
    one.session.end("t1");
    expect(one.session.token()).toBe("t2");
    two.session.end("t2");
    one.session.begin(answer("t3"), "alice");
    expect(two.session.token()).toBe("t3");
  });

  it("let a locked page of the EHR's go on when its person is launched again, and nobody else's", () => {
    const { tab } = browser();
    const [old, fresh] = [tab(), tab()];
    old.session.begin(answer("ehr"), "dora", true);
    old.session.lock();
    fresh.tabs.launched("emil");
    expect(old.state().kind).toBe("locked");
    fresh.tabs.launched("dora");
    expect(old.state()).toMatchObject({ kind: "active", token: "ehr" });
  });
});

describe("a tab that is found again by Back or reopened", () => {
  it("is locked where the others are", async () => {
    for (const launched of [false, true]) {
      const { tab, now } = browser();
      const [left, other] = [tab(), tab()];
      left.session.begin(answer("t1"), "alice", launched);
      if (launched) other.session.begin(answer("t1"), "alice", true);
      left.close();
      const usedAt = now() - 1;
      other.session.lock();
      const found = tab({ kept: left.kept, usedAt });
      expect(found.state().kind).toBe("active");
      await asked(found);
      expect(found.state()).toMatchObject({ kind: "locked", username: "alice", held: null });
      expect([...found.kept.values()].join()).not.toContain("t1");
    }
  });

  it("goes on where the others do, and whatever was locked before it was last used", async () => {
    const { tab, now } = browser();
    const [dora, emil] = [tab(), tab()];
    dora.session.begin(answer("d"), "dora", true);
    dora.session.lock();
    emil.session.begin(answer("e"), "emil", true);
    emil.close();
    const found = tab({ kept: emil.kept, usedAt: now() });
    await asked(found);
    expect(found.state()).toMatchObject({ kind: "active", token: "e" });
    const alice = tab();
    alice.session.begin(answer("t1"), "alice");
    const locked = tab({ kept: new Map(alice.kept) });
    locked.session.lockFound(now());
    expect(locked.state().kind).toBe("locked");
    await asked(locked);
    expect(locked.state()).toMatchObject({ kind: "active", token: "t1" });
  });

  it("proves nobody's presence until its person has proved it again", () => {
    const { tab } = browser();
    const left = tab();
    left.session.begin(answer("ehr"), "dora", true);
    expect(left.session.isProved()).toBe(true);
    const found = tab({ kept: left.kept });
    expect([found.state().kind, found.session.isProved()]).toEqual(["active", false]);
    found.session.lock();
    found.session.unlock();
    expect(found.session.isProved()).toBe(true);
  });
});

describe("images in a tab of their own", () => {
  it("are told when a tab that the EHR opened is signed out; our pages are not", () => {
    const { tab, images } = browser();
    const [launched, form] = [tab(), tab()];
    form.session.begin(answer("t1"), "dora");
    launched.session.begin(answer("ehr"), "dora", true);
    const heard = images();
    launched.session.signOut();
    expect(heard).toContainEqual(expect.objectContaining({ say: "out", username: "dora" }));
    expect(form.state().kind).toBe("active");
  });

  it("are covered when the last session of their reader ends", () => {
    const { tab, images } = browser();
    const heard = images();
    const [one, two] = [tab(), tab()];
    one.session.begin(answer("a"), "dora", true);
    two.session.begin(answer("b"), "dora", true);
    expect(heard).toEqual([]);
    one.session.end("a");
    expect(heard.map((data) => (data as { say: string }).say)).toEqual(["is_locked", "is_open"]);
    two.session.end("b");
    expect(heard[2]).toMatchObject({ say: "is_locked", username: "dora" });
    expect(heard).toHaveLength(3);
  });
});

describe("a locked page", () => {
  it("stays locked when it is reloaded, and keeps no token where it could be read", () => {
    const { tab } = browser();
    const { session, kept } = tab();
    session.begin(answer("t1"), "alice");
    session.lock();
    expect([...kept.values()].join()).not.toContain("t1");
    const again = new Session({ getItem: (key) => kept.get(key) ?? null, setItem: () => {}, removeItem: () => {} });
    expect(again.snapshot()).toMatchObject({ kind: "locked", username: "alice", held: null });
    expect(again.token()).toBeNull();
  });

  it("is covered as an ended session is when its token ends", () => {
    const { tab } = browser();
    const { session, state } = tab();
    session.begin(answer("t1"), "alice");
    session.lock();
    session.end("t1");
    expect(state()).toEqual({ kind: "ended", username: "alice", launched: false });
  });
});
