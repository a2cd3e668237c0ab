/** What a test of a component needs around it: the server's answers, who is signed in, an address. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router-dom";
import { createClient } from "../api/client";
import { ApiContext } from "../api/context";
import { createQueryClient } from "../api/queries";
import { Session } from "../api/session";
import type { Me, Permission } from "../api/types";
import { MeContext } from "../auth/permissions";
import { ToastProvider } from "../components/Toast";

export interface Asked {
  method: string;
  /** Below /api/v1/, with its query. */
  path: string;
  body: unknown;
  token: string | null;
}

type Answer = [status: number, body: unknown];

/** The page's frame around `content`; `answers` stand for the server, by method and path without the query. */
export function shown(content: ReactNode, answers: Readonly<Record<string, Answer | (() => Answer)>> = {}, permissions: readonly Permission[] = []) {
  const asked: Asked[] = [];
  const session = new Session(null);
  session.begin({ token: "secret", expires_at: "2099-01-01T00:00:00Z" }, "nora");
  const fetcher: typeof fetch = async (address, init) => {
    const method = init?.method ?? "GET";
    const path = (address as string).replace(/^\/api\/v1\//, "");
    const token = new Headers(init?.headers).get("Authorization");
    asked.push({ method, path, body: typeof init?.body === "string" ? JSON.parse(init.body) as unknown : null, token });
    const found = answers[`${method} ${path.replace(/\?.*/, "")}`] ?? [404, { code: "route_not_found" }];
    const [status, body] = typeof found === "function" ? found() : found;
    return new Response(JSON.stringify(body), { status });
  };
  const me = { subject: "nora", permissions } as unknown as Me;
  const ask = createClient(session, fetcher);
  const view = render(
    <QueryClientProvider client={createQueryClient()}>
      <ApiContext value={{ ask, session }}>
        <MeContext value={me}>
          <MemoryRouter>
            <ToastProvider>{content}</ToastProvider>
          </MemoryRouter>
        </MeContext>
      </ApiContext>
    </QueryClientProvider>,
  );
  return { ...view, asked, session };
}
