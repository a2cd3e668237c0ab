import { describe, expect, it } from "vitest";
import { Session } from "./session";
import { address, createClient } from "./client";
import { ApiError } from "./errors";

function bench(answer: () => Response | Promise<Response>) {
  const session = new Session(null);
  session.begin({ token: "secret", expires_at: "2030-01-01T00:00:00Z" }, "alice");
  const asked: { url: string; init: RequestInit }[] = [];
  const ask = createClient(session, async (url, init) => {
    asked.push({ url: url as string, init: init ?? {} });
    return answer();
  });
  return { ask, session, asked };
}

const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

describe("asking the server", () => {
  it("sends the token in a header and never in the address", async () => {
    const { ask, asked } = bench(() => json(200, { items: [] }));
    await ask("orders", { query: { q: "Müller & Söhne", status: "", offset: 0 } });
    expect(asked[0]?.url).toBe("/api/v1/orders?q=M%C3%BCller+%26+S%C3%B6hne&offset=0");
    expect(asked[0]?.init.headers).toMatchObject({ Authorization: "Bearer secret" });
  });

  it("turns problem details into an error with a code and field messages", async () => {
    const { ask } = bench(() => json(422, { code: "invalid", detail: "No.", errors: [{ field: "mrn", message: "missing" }] }));
    await expect(ask("orders")).rejects.toMatchObject({
      status: 422, code: "invalid", detail: "No.", fields: [{ field: "mrn", message: "missing" }],
    });
  });

  it("knows under which id the log has the request", async () => {
    const { ask } = bench(() => json(500, { code: "internal_error", request_id: "4bf9" }));
    await expect(ask("orders")).rejects.toMatchObject({ requestId: "4bf9" });
  });

  it("hears how long to wait, and only a number of seconds", async () => {
    const after = (value: string) => bench(() => new Response("{}", { status: 503, headers: { "Retry-After": value } })).ask("orders");
    await expect(after("23")).rejects.toMatchObject({ retryAfter: 23 });
    await expect(after("Wed, 21 Oct 2026 07:28:00 GMT")).rejects.toMatchObject({ retryAfter: null });
  });

  it("ends the session on 401, but not for a refused sign-in", async () => {
    const { ask, session } = bench(() => json(401, { code: "wrong_credentials" }));
    await expect(ask("auth/login", { method: "POST", body: {}, withToken: false })).rejects.toMatchObject({ code: "wrong_credentials" });
    expect(session.token()).toBe("secret");
    await expect(ask("auth/me")).rejects.toBeInstanceOf(ApiError);
    expect(session.snapshot().kind).toBe("ended");
  });

  it("keeps the session when a password in the body is wrong", async () => {
    const { ask, session } = bench(() => json(401, { code: "wrong_credentials" }));
    await expect(ask("auth/password", { method: "POST", body: {}, token: "secret" })).rejects.toMatchObject({ code: "wrong_credentials" });
    await expect(ask("reports/1/sign", { method: "POST", body: {}, proves: true })).rejects.toMatchObject({ code: "wrong_credentials" });
    expect(session.token()).toBe("secret");
  });

  it("says when no answer came and when one came that is not JSON", async () => {
    const lost = bench(() => Promise.reject(new TypeError("failed")));
    await expect(lost.ask("orders")).rejects.toMatchObject({ status: 0, code: "network", retryable: true });
    const page = bench(() => new Response("<html>", { status: 200 }));
    await expect(page.ask("orders")).rejects.toMatchObject({ code: "unexpected_answer" });
    const gateway = bench(() => new Response("<html>", { status: 403 }));
    await expect(gateway.ask("orders")).rejects.toMatchObject({ code: "forbidden" });
  });
});

describe("an address", () => {
  it("leaves out what is not asked for", () => {
    expect(address("orders", { q: "", status: undefined })).toBe("/api/v1/orders");
  });
});
