import { describe, expect, it } from "vitest";
import { Session } from "./session";

const answer = { token: "t1", expires_at: "2030-01-01T00:00:00Z", name: "Alice", roles: ["technician"] };

function store() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

describe("a session", () => {
  it("survives a reload of its tab", () => {
    const kept = store();
    new Session(kept).begin(answer, "alice");
    expect(new Session(kept).token()).toBe("t1");
  });

  it("leaves nothing behind when it ends or its user signs out", () => {
    const kept = store();
    const session = new Session(kept);
    session.begin(answer, "alice");
    session.end("t1");
    expect(session.snapshot()).toEqual({ kind: "ended", username: "alice", launched: false });
    expect(kept.kept.size).toBe(0);
    session.begin(answer, "alice");
    session.signOut();
    expect(session.token()).toBeNull();
    expect(kept.kept.size).toBe(0);
  });

  it("is not ended by a late answer to an older token", () => {
    const session = new Session(null);
    session.begin({ ...answer, token: "t2" }, "alice");
    session.end("t1");
    expect(session.token()).toBe("t2");
  });

  it("leaves expiry to the server when this computer's clock is wrong", () => {
    const session = new Session(null, () => Date.parse("2031-01-01T00:00:00Z"));
    session.begin(answer, "alice");
    expect(session.snapshot()).toMatchObject({ kind: "active", expiresAt: null });
  });

  it("takes damaged storage for none", () => {
    const kept = store();
    kept.setItem("ehr-bridge.session", "{not json");
    expect(new Session(kept).snapshot()).toEqual({ kind: "none" });
  });
});

describe("a session whose password must be chosen first", () => {
  const first = { ...answer, roles: [], must_change_password: true };

  it("has no token for anything else, also after a reload", () => {
    const kept = store();
    new Session(kept).begin(first, "alice");
    const reloaded = new Session(kept);
    expect(reloaded.token()).toBeNull();
    expect(reloaded.snapshot()).toMatchObject({ kind: "new_password", token: "t1", username: "alice" });
  });

  it("goes on once it is chosen, and leads back to the sign-in when its time is over", () => {
    const session = new Session(null);
    session.begin(first, "alice");
    session.begin({ ...answer, token: "t2" }, "alice");
    expect(session.token()).toBe("t2");
    session.begin(first, "alice");
    session.end("t1");
    expect(session.snapshot()).toEqual({ kind: "none" });
  });
});
