/** Registered modalities, and whether they answer. */
import { useMutation } from "@tanstack/react-query";
import { useApi } from "./context";
import { ApiError } from "./errors";
import { useChange, useListOf, useLoadAgain } from "./lists";
import type * as schema from "./schema";

export type Modality = schema.ModalityAnswer;
export type ModalityBody = schema.ModalityBody;
export type May = schema.May;
export type Echo = schema.EchoAnswer;

const LIST = "modalities";
const addressOf = (aeTitle: string) => `${LIST}/${encodeURIComponent(aeTitle)}`;

export const useModalities = (offset: number) => useListOf<Modality>(LIST, offset);
export const useLoadModalities = () => useLoadAgain(LIST);

/** Throws ApiError `already_exists` when there is one with that AE title. */
export const useRegisterModality = () =>
  useChange(LIST, (ask, { aeTitle, body }: { aeTitle: string; body: ModalityBody }) =>
    ask<Modality>(addressOf(aeTitle), { method: "PUT", body, headers: { "If-None-Match": "*" } }),
  );

/** Throws ApiError `version_changed` when somebody else has changed since what was `seen`. */
export const useChangeModality = () =>
  useChange(LIST, async (ask, { seen, body }: { seen: Modality; body: ModalityBody }) => {
    let tag = "";
    const now = await ask<Modality>(addressOf(seen.ae_title), { onTag: (its) => (tag = its) });
    if (now.updated_at !== seen.updated_at) throw new ApiError(412, "version_changed");
    return ask<Modality>(addressOf(seen.ae_title), { method: "PUT", body, headers: { "If-Match": tag } });
  });

export const useRemoveModality = () => useChange(LIST, (ask, aeTitle: string) => ask<void>(addressOf(aeTitle), { method: "DELETE" }));

/** A C-ECHO, now. */
export function useEcho(aeTitle: string) {
  const { ask } = useApi();
  return useMutation<Echo>({ mutationFn: () => ask<Echo>(`${addressOf(aeTitle)}/echo`, { method: "POST" }) });
}
