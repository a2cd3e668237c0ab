import { describe, expect, it } from "vitest";
import { ApiError } from "../api/errors";
import { signInProblem } from "./signInProblem";

const refusal = (status: number, code: string, retryAfter: number | null = null) => new ApiError(status, code, "", [], retryAfter);

describe("a refused sign-in", () => {
  it("says that name or password is wrong, and not which", () => {
    expect(signInProblem(refusal(401, "wrong_credentials"))).toBe("User name or password is wrong.");
  });

  it.each([
    [61, "for 2 more minutes"],
    [60, "for 1 more minute."],
    [null, "for 15 more minutes"],
  ])("of a locked name with %s seconds left says how long, and whom to ask", (seconds, words) => {
    const said = signInProblem(refusal(401, "account_locked", seconds));
    expect(said).toContain(words);
    expect(said).toContain("administrator");
    expect(said).not.toContain("wrong.");
  });

  it("after too many attempts says how many seconds to wait", () => {
    expect(signInProblem(refusal(503, "rate_limited", 23))).toContain("Wait 23 seconds");
    expect(signInProblem(refusal(503, "rate_limited", 1))).toContain("Wait 1 second,");
    expect(signInProblem(refusal(503, "rate_limited"))).toContain("The server is busy");
  });

  it("that never reached the server says so", () => {
    expect(signInProblem(new ApiError(0, "network"))).toContain("cannot be reached");
    expect(signInProblem(null)).toBeNull();
  });
});
