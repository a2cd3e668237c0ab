/** Links for people outside, as people of the house make and end them, and as somebody outside opens one. */
import { useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { useChange, useListOf } from "./lists";
import type * as schema from "./schema";
import type { Page } from "./types";

export type Share = schema.ShareEntry;
export type MadeShare = schema.MadeShareAnswer;
export type OpenedShare = schema.OpenedAnswer;

const KEY = "dicom/shares";

export const useShares = (offset: number) => useListOf<Share>(KEY, offset);

export function useSharesOf(study: string) {
  const { ask } = useApi();
  return useQuery({ queryKey: [KEY, "of", study], queryFn: ({ signal }) => ask<Page<Share>>(KEY, { query: { study, limit: 50 }, signal }) });
}

export const useCreateShare = () => useChange(KEY, (ask, body: schema.ShareBody) => ask<MadeShare>(KEY, { method: "POST", body }));

export const useEndShare = () => useChange(KEY, (ask, id: string) => ask<void>(`${KEY}/${encodeURIComponent(id)}`, { method: "DELETE" }));
