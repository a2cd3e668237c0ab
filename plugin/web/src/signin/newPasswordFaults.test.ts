import { describe, expect, it } from "vitest";
import { ApiError } from "../api/errors";
import { faultOfAnswer, faultOfInput } from "./newPasswordFaults";

const good = { current: "from the admin", fresh: "a good long one", again: "a good long one" };

describe("a new password", () => {
  it("is sent when all three fields are as they should be", () => {
    expect(faultOfInput(good)).toBeNull();
  });

  it.each([
    [{ current: "" }, "missing", "current"],
    [{ fresh: "" }, "missing", "fresh"],
    [{ again: "" }, "missing", "again"],
    [{ fresh: "too short", again: "too short" }, "short", "fresh"],
    [{ fresh: "🙂🙂🙂🙂🙂🙂", again: "🙂🙂🙂🙂🙂🙂" }, "short", "fresh"],
    [{ fresh: good.current, again: good.current }, "unchanged", "fresh"],
    [{ again: "a good long two" }, "differs", "again"],
  ])("with %o is not, and the field at fault is named", (change, kind, field) => {
    expect(faultOfInput({ ...good, ...change })).toEqual({ kind, field });
  });

  it.each([
    ["wrong_credentials", 401, "wrong", "current"],
    ["account_locked", 401, "other", null],
    ["password_too_short", 422, "short", "fresh"],
    ["password_unchanged", 422, "unchanged", "fresh"],
    ["rate_limited", 503, "other", null],
  ])("that the server refuses as %s is put into words", (code, status, kind, field) => {
    expect(faultOfAnswer(new ApiError(status, code))).toEqual({ kind, field });
  });
});
