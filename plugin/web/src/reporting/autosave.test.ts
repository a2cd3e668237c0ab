import { describe, expect, it } from "vitest";
import { ApiError } from "../api/errors";
import type { Draft, Saved } from "../api/reports";
import { Autosave } from "./autosave";
import { differences, merged } from "./conflict";

const draft = (...texts: string[]): Draft => ({ sections: texts.map((text, at) => ({ code: `s${at}`, title: `Section ${at}`, text })), critical: null });
const saved = (tag: string, ...texts: string[]): Saved => ({ draft: draft(...texts), tag, savedAt: `at ${tag}`, by: "Ravi" });
const write = (text: string) => () => draft(text);

/** A server that answers as it is told to, and a clock that is moved by hand. */
function writing(answers: (() => Saved)[] = [], load: () => Saved = () => saved("t9", "theirs")) {
  const asked: [string, string, boolean][] = [];
  const timers: { ms: number; call: () => void; live: boolean }[] = [];
  let count = 0;
  const autosave = new Autosave(saved("t0", ""), {
    save: async (sent, tag, leaving) => {
      asked.push([sent.sections.map(({ text }) => text).join("|"), tag, leaving]);
      count += 1;
      const answer = answers.shift();
      return answer ? answer() : { draft: sent, tag: `t${count}`, savedAt: `at t${count}`, by: "Ravi" };
    },
    load: async () => load(),
    later: (ms, call) => {
      const timer = { ms, call, live: true };
      timers.push(timer);
      return () => (timer.live = false);
    },
  });
  /** The time until the next timer passes. */
  const tick = async () => {
    const timer = timers.find(({ live }) => live);
    if (!timer) throw new Error("nothing waits");
    timer.live = false;
    timer.call();
    await settle();
    return timer.ms;
  };
  return { autosave, asked, timers, tick };
}

const settle = async () => {
  for (let at = 0; at < 20; at++) await Promise.resolve();
};
const fails = (status: number, code: string) => () => {
  throw new ApiError(status, code);
};

describe("what is written", () => {
  it("is saved once, a second after the last key, with the tag of what was there", async () => {
    const { autosave, asked, tick } = writing();
    autosave.edit(write("a"));
    autosave.edit(write("ab"));
    expect(autosave.snapshot().saving.kind).toBe("changed");
    expect(await tick()).toBe(1_000);
    expect(asked).toEqual([["ab", "t0", false]]);
    expect(autosave.snapshot()).toMatchObject({ saving: { kind: "saved" }, savedAt: "at t1" });
    autosave.edit(write("abc"));
    await autosave.flush();
    expect(asked[1]).toEqual(["abc", "t1", false]);
  });

  it("is saved again where more was written meanwhile, never two at once", async () => {
    const { autosave, asked } = writing();
    autosave.edit(write("a"));
    const done = autosave.flush();
    autosave.edit(write("ab"));
    await done;
    expect(asked.map(([text, tag]) => [text, tag])).toEqual([["a", "t0"], ["ab", "t1"]]);
  });

  it("is tried again, less and less often, while there is no connection, and nothing is lost", async () => {
    const { autosave, asked, tick } = writing([fails(0, "network"), fails(503, "server_busy")]);
    autosave.edit(write("a"));
    await tick();
    expect(autosave.snapshot().saving.kind).toBe("failed");
    expect(await tick()).toBe(2_000);
    expect(await tick()).toBe(4_000);
    expect(autosave.snapshot().saving.kind).toBe("saved");
    expect(asked.map(([text]) => text)).toEqual(["a", "a", "a"]);
  });

  it("goes off with the page that is closed", () => {
    const { autosave, asked } = writing();
    autosave.leave();
    expect(asked).toEqual([]);
    autosave.edit(write("last words"));
    autosave.leave();
    expect(asked).toEqual([["last words", "t0", true]]);
  });

  it("stays on the page when the report is signed or somebody else's", async () => {
    const { autosave, asked, timers } = writing([fails(409, "report_claimed")]);
    autosave.edit(write("a"));
    expect(await autosave.flush()).toBe(false);
    expect(autosave.snapshot().saving.kind).toBe("refused");
    autosave.edit(write("ab"));
    expect(autosave.snapshot().draft).toEqual(draft("ab"));
    expect(timers.filter(({ live }) => live)).toEqual([]);
    expect(asked).toHaveLength(1);
  });
});

describe("two tabs", () => {
  it("never overwrite each other: both texts are kept until a person decides", async () => {
    const { autosave, asked } = writing([fails(412, "version_changed")]);
    autosave.edit(write("mine"));
    expect(await autosave.flush()).toBe(false);
    expect(autosave.snapshot().saving).toMatchObject({ kind: "conflict", theirs: { draft: draft("theirs") } });
    autosave.edit(write("mine too"));
    expect(await autosave.flush()).toBe(false);
    expect(asked).toHaveLength(1);
    expect(await autosave.resolve(draft("mine too\ntheirs"))).toBe(true);
    expect(asked[1]).toEqual(["mine too\ntheirs", "t9", false]);
  });

  it("ask nobody when the other has only claimed the report, or saved the same", async () => {
    const { autosave, asked } = writing([fails(412, "version_changed")], () => saved("t7", ""));
    autosave.edit(write("mine"));
    expect(await autosave.flush()).toBe(true);
    expect(asked[1]).toEqual(["mine", "t7", false]);
  });

  it("are shown where they differ, and either text, or both, is taken", () => {
    const [mine, theirs] = [draft("a", "b", "c"), draft("a", "x", "y")];
    expect(differences(mine, theirs).map(({ title, mine: own, theirs: other }) => [title, own, other])).toEqual([["Section 1", "b", "x"], ["Section 2", "c", "y"]]);
    expect(merged(mine, theirs, new Map([[1, "theirs"], [2, "both"]])).sections.map(({ text }) => text)).toEqual(["a", "x", "c\ny"]);
    expect(merged(mine, theirs, new Map())).toEqual(mine);
  });
});
