/**
 * The one place that asks the server for JSON.
 *
 * Takes a path below /api/v1, gives the parsed answer, throws ApiError. The token travels in the
 * Authorization header only, never in an address. A 401 ends the session it was sent for.
 */
import type { Session } from "./session";
import { ApiError, errorFromAnswer } from "./errors";

export const API_ROOT = "/api/v1";

export interface Asking {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Text that is not JSON, instead of a body. */
  content?: { type: string; text: string };
  /** Beside the usual ones; text that is not ASCII goes through `headerText`. */
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** The request goes on when the page is closed; its body must be small (64 kB). */
  keepalive?: boolean;
  /** Hears the ETag of a good answer, for `If-Match`. */
  onTag?: (tag: string) => void;
  /** false for sign-in itself, whose 401 says nothing about a session. */
  withToken?: boolean;
  /** The body holds the password of who is signed in: that it is wrong ends nothing. */
  proves?: boolean;
  /** Another token than the session's; its 401 ends nothing by itself. */
  token?: string;
}

export type Ask = <T>(path: string, asking?: Asking) => Promise<T>;

export function createClient(session: Session, fetcher: typeof fetch = (...args) => fetch(...args)): Ask {
  return async function ask<T>(path: string, asking: Asking = {}): Promise<T> {
    const token = asking.token ?? (asking.withToken === false ? null : session.token());
    const headers: Record<string, string> = { Accept: "application/json, application/problem+json", ...asking.headers };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (asking.body !== undefined) headers["Content-Type"] = "application/json";
    if (asking.content) headers["Content-Type"] = asking.content.type;

    let answer: Response;
    try {
      answer = await fetcher(address(path, asking.query), {
        method: asking.method ?? "GET",
        headers,
        body: asking.content ? asking.content.text : asking.body === undefined ? null : JSON.stringify(asking.body),
        cache: "no-store",
        signal: asking.signal ?? null,
        ...(asking.keepalive ? { keepalive: true } : {}),
      });
    } catch (cause) {
      if (asking.signal?.aborted) throw cause;
      throw new ApiError(0, "network");
    }

    // Only where one has asked with If-None-Match.
    if (answer.status === 304) return undefined as T;

    const body = await readJson(answer);
    if (answer.ok) {
      asking.onTag?.(answer.headers.get("ETag") ?? "");
      if (body === undefined && answer.status !== 204) throw new ApiError(answer.status, "unexpected_answer");
      return body as T;
    }
    const error = errorFromAnswer(answer.status, body, answer.headers.get("Retry-After"));
    const isOther = token === asking.token || (asking.proves && error.code === "wrong_credentials");
    if (answer.status === 401 && token && !isOther) session.end(token);
    throw error;
  };
}

export function address(path: string, query: Asking["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const tail = search.toString();
  return `${API_ROOT}/${path}${tail ? `?${tail}` : ""}`;
}

async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return undefined;
  }
}
