import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Idle, lastUse } from "./idle";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function bench(minutes: number, kept = new Map<string, string>()) {
  const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: () => {} };
  const heard = { idle: 0, told: 0 };
  const later = (ms: number, call: () => void) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  };
  const idle = new Idle({ now: Date.now, later, onIdle: () => heard.idle++, tell: () => heard.told++, store });
  idle.set(minutes);
  return { idle, heard, store };
}
const pass = (minutes: number) => vi.advanceTimersByTime(minutes * 60_000);

describe("a page nobody works at", () => {
  it("is locked after the time that is set, counted from the last work in any tab", () => {
    const { idle, heard } = bench(10);
    pass(9);
    idle.used();
    pass(9);
    idle.usedElsewhere();
    pass(9.9);
    expect(heard.idle).toBe(0);
    pass(0.2);
    expect(heard.idle).toBe(1);
  });

  it("is never locked where that is set", () => {
    const { heard } = bench(0);
    pass(600);
    expect(heard.idle).toBe(0);
  });

  it("is locked by the first touch after the computer has slept, not kept open by it", () => {
    const { idle, heard } = bench(10);
    vi.setSystemTime(Date.now() + 3_600_000); // no timer has run
    idle.used();
    expect(heard).toEqual({ idle: 1, told: 0 });
  });

  it("is to be locked when it is found again after that time", () => {
    const { idle, store } = bench(10);
    pass(5);
    idle.used();
    const usedAt = Date.now();
    expect(lastUse(store)).toEqual({ usedAt, lockAt: usedAt + 600_000 });
    idle.set(0);
    expect(lastUse(store)).toEqual({ usedAt, lockAt: Infinity });
    store.setItem("ehr-bridge.used", "{damaged");
    expect(lastUse(store)).toBeNull();
  });

  it("tells the other tabs of work, a few times a minute", () => {
    const { idle, heard } = bench(10);
    for (let second = 0; second < 60; second++) {
      vi.advanceTimersByTime(1_000);
      idle.used();
    }
    expect(heard.told).toBeGreaterThan(5);
    expect(heard.told).toBeLessThan(20);
  });
});
