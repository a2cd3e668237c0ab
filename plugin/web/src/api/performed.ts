/** What modalities have reported of their work (MPPS). */
import { useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { useChange } from "./lists";
import { asPage } from "./queries";
import type * as schema from "./schema";

export type PerformedStep = schema.PerformedStepAnswer;
/** The steps of one order, of one study, or all that wait for somebody. */
export type Which = { order: string } | { study: string } | { waiting: "true" };

const LIST = "performed-steps";
const MOST = 100;

export function usePerformedSteps(which: Which) {
  const { ask } = useApi();
  return useQuery({
    queryKey: [LIST, which],
    queryFn: async ({ signal }) => asPage<PerformedStep>(await ask(LIST, { query: { ...which, limit: MOST }, signal })).items,
  });
}

export const useClosePerformedStep = () =>
  useChange(LIST, (ask, { uid, reason }: { uid: string; reason: string }) =>
    ask<PerformedStep>(`${LIST}/${encodeURIComponent(uid)}/close`, { method: "POST", body: { reason } }),
  );
