/** Every question the pages ask, as hooks; the only file that knows the query keys. */
import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useServices } from "../services";
import { ApiError, isRecord } from "./errors";
import type { Id, Me, Order, Page, SignInAnswer, Study, ViewerLink } from "./types";

export const PAGE_SIZE = 50;

export interface OrderFilter {
  q: string;
  status: string;
  offset: number;
}

export interface StudyFilter {
  linkStatus: string;
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

export function useSignIn() {
  const { ask, session } = useServices();
  const client = useQueryClient();
  return useMutation<SignInAnswer, Error, { username: string; password: string }>({
    mutationFn: (body) => ask<SignInAnswer>("auth/login", { method: "POST", body, withToken: false }),
    onSuccess: (answer, { username }) => {
      session.begin(answer, username);
      // Whatever was asked while there was no session is asked again.
      void client.invalidateQueries();
    },
    gcTime: 0,
  });
}

/** The password of an account that must choose one; the answer is a session that may do everything again. */
export function useChangePassword(token: string, username: string) {
  const { ask, session } = useServices();
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
  const { ask } = useServices();
  return useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) => ask<Me>("auth/me", { signal }),
    staleTime: 5 * 60_000,
  });
}

export function useOrders({ q, status, offset }: OrderFilter) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["orders", { q, status, offset }],
    queryFn: async ({ signal }) =>
      asPage<Order>(await ask("orders", { query: { status, q, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useOrder(id: string) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["order", id],
    queryFn: ({ signal }) => ask<Order>(`orders/${encodeURIComponent(id)}`, { signal }),
  });
}

export function useStudies({ linkStatus, offset }: StudyFilter) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["studies", { linkStatus, offset }],
    queryFn: async ({ signal }) =>
      asPage<Study>(
        await ask("dicom/studies", { query: { link_status: linkStatus, limit: PAGE_SIZE, offset }, signal }),
      ),
    placeholderData: keepPreviousData,
  });
}

/** Asked on each press, never ahead or again: every link is minted for one use and is audited. */
export function useViewerLink() {
  const { ask } = useServices();
  return useMutation({
    mutationFn: (studyInstanceUid: string) =>
      ask<ViewerLink>(`dicom/viewer-url/${encodeURIComponent(studyInstanceUid)}`),
    gcTime: 0,
  });
}

/** After an upload the order, its place in the list and the studies may all have changed. */
export function useRefreshAfterUpload(): (orderId: Id) => void {
  const client = useQueryClient();
  return useCallback(
    (orderId) => {
      void client.invalidateQueries({ queryKey: ["order", String(orderId)] });
      void client.invalidateQueries({ queryKey: ["orders"] });
      void client.invalidateQueries({ queryKey: ["studies"] });
    },
    [client],
  );
}

function asPage<T>(answer: unknown): Page<T> {
  if (!isRecord(answer) || !Array.isArray(answer.items)) throw new ApiError(200, "unexpected_answer");
  const items = answer.items as T[];
  return {
    items,
    total: typeof answer.total === "number" ? answer.total : items.length,
    limit: typeof answer.limit === "number" ? answer.limit : PAGE_SIZE,
    offset: typeof answer.offset === "number" ? answer.offset : 0,
  };
}
