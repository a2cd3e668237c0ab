/** Every question the pages ask, as hooks; the only file that knows the query keys. */
import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { askAgain } from "./changed";
import { useApi } from "./context";
import type { Ask } from "./client";
import { ApiError, isRecord } from "./errors";
import type { Me, Order, Page, SignInAnswer, Study } from "./types";

export const PAGE_SIZE = 50;

/** The server's names; what is empty asks for nothing. */
export interface OrderQuestion {
  q: string;
  status: string;
  /** Moments between which the appointment is. */
  from: string;
  to: string;
  /** What is found beside that, whatever its appointment. */
  also: string;
  modality: string;
  station_ae_title: string;
  body_part: string;
  priority: string;
  report: string;
  /** "me", "nobody", or somebody's user name. */
  assigned_to: string;
  sort: string;
}

/** The server's names; what is empty asks for nothing. */
export interface StudyFilter {
  patient_name?: string;
  /** Id or number. */
  patient?: string;
  /** Who gave that number. */
  issuer?: string;
  accession_number?: string;
  modality?: string;
  link_status?: string;
  /** "true": a stored file was found missing or changed. */
  damaged?: string;
  from?: string;
  to?: string;
  sort?: string;
  offset: number;
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        gcTime: 5 * 60_000,
        networkMode: "always",
        retry: (count, error) => count < 2 && error instanceof ApiError && error.retryable,
        retryDelay: (count) => 500 * 2 ** count,
      },
      mutations: { networkMode: "always" },
    },
  });
}

/** `proves`: only who they are; they go on with the session that the EHR began. */
export function useSignIn(proves = false) {
  const { ask, session } = useApi();
  const client = useQueryClient();
  return useMutation<SignInAnswer, Error, { username: string; password: string }>({
    mutationFn: (body) => ask<SignInAnswer>("auth/login", { method: "POST", body, withToken: false }),
    onSuccess: (answer, { username }) => {
      const before = session.token();
      if (proves) session.unlock();
      else session.begin(answer, username);
      const unused = proves ? answer.token : before;
      if (unused) setTimeout(() => void endSession(ask, unused), UNUSED_AFTER_MS);
      // Whatever was asked while there was no session is asked again.
      void client.invalidateQueries();
    },
    gcTime: 0,
  });
}

/** Until then the other tabs have heard of the new session, and a file that was on its way with the old one has arrived. */
const UNUSED_AFTER_MS = 5 * 60_000;

/** End a session at the server. Where that does not work it ends by itself. */
export async function endSession(ask: Ask, token: string): Promise<void> {
  await ask("auth/logout", { method: "POST", token, keepalive: true }).catch(() => {});
}

/** The password of an account that must choose one; the answer is a session that may do everything again. */
export function useChangePassword(token: string, username: string) {
  const { ask, session } = useApi();
  const client = useQueryClient();
  return useMutation<SignInAnswer, Error, { current_password: string; new_password: string }>({
    mutationFn: (body) => ask<SignInAnswer>("auth/password", { method: "POST", body, token }),
    onSuccess: (answer) => {
      session.begin(answer, username);
      void client.invalidateQueries();
    },
    onError: (error) => {
      // Not the password but the token was refused: back to the sign-in.
      if (error instanceof ApiError && error.code.startsWith("token_")) session.end(token);
    },
    gcTime: 0,
  });
}

export function useMe() {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) => ask<Me>("auth/me", { signal }),
    staleTime: 5 * 60_000,
  });
}

export function useOrder(id: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["order", id],
    enabled: id !== "",
    queryFn: async ({ signal }) =>
      isPath(id)
        ? firstOf<Order>(await ask("orders", { query: { order: id, limit: 1 }, signal }))
        : ask<Order>(`orders/${encodeURIComponent(id)}`, { signal }),
    // Others move it on; the page must not say less than the list it was opened from.
    staleTime: 0,
  });
}

/** Says that the patient of an order is there (true), or is not after all. */
export function useArrival(id: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation<Order, Error, boolean>({
    mutationFn: (isThere) => ask<Order>(`orders/${encodeURIComponent(id)}/arrival`, { method: isThere ? "POST" : "DELETE" }),
    onSuccess: (order) => client.setQueryData(["order", id], order),
    // Also where it was refused: images may have come meanwhile.
    onSettled: () => {
      askAgain(client, "order");
    },
  });
}

export function useStudies(filter: StudyFilter) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["studies", filter],
    queryFn: ({ signal }) => pageOf<Study>(ask("dicom/studies", { query: { ...filter, limit: PAGE_SIZE }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** After an upload orders, their place in the list and the studies may all have changed. */
export function useRefreshAfterUpload(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    askAgain(client, "study");
  }, [client]);
}

/** A page of a list that may be narrowed to one patient: of a patient nobody knows there is nothing. */
export async function pageOf<T>(answer: Promise<unknown>): Promise<Page<T>> {
  try {
    return asPage<T>(await answer);
  } catch (error) {
    if (error instanceof ApiError && error.code === "patient_not_found") return asPage<T>({ items: [] });
    throw error;
  }
}

/** Whether a number would be several parts of an address, however it is written there. */
export function isPath(number: string): boolean {
  return number.includes("/");
}

/** What a list was asked for that says 404 where there is no such thing. */
export function firstOf<T>(answer: unknown): T {
  const [first] = asPage<T>(answer).items;
  if (first === undefined) throw new ApiError(404, "not_found");
  return first;
}

export function asPage<T>(answer: unknown): Page<T> {
  if (!isRecord(answer) || !Array.isArray(answer.items)) throw new ApiError(200, "unexpected_answer");
  const items = answer.items as T[];
  return {
    items,
    total: typeof answer.total === "number" ? answer.total : items.length,
    limit: typeof answer.limit === "number" ? answer.limit : PAGE_SIZE,
    offset: typeof answer.offset === "number" ? answer.offset : 0,
  };
}
