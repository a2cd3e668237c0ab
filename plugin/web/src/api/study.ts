/** What the page of one study asks and does. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { headerText, useFetch } from "./files";
import type * as schema from "./schema";
import type { Job, Study } from "./types";

export type StudyTags = schema.StudyTagsAnswer;
export type Tag = schema.TagAnswer;
export type Modification = schema.ModificationAnswer;
export type Hold = schema.HoldAnswer;
export type Series = schema.SeriesAnswer;

const of = (uid: string) => encodeURIComponent(uid);

export function useStudy(uid: string) {
  const { ask } = useApi();
  return useQuery({ queryKey: ["study", uid], queryFn: ({ signal }) => ask<Study>(`dicom/studies/${of(uid)}`, { signal }) });
}

export function useStudyTags(uid: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["study", uid, "tags"],
    queryFn: ({ signal }) => ask<StudyTags>(`dicom/tags/${of(uid)}`, { signal }),
  });
}

export function useSeries(uid: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["study", uid, "series"],
    queryFn: async ({ signal }) => (await ask<schema.StudySeriesAnswer>(`dicom/studies/${of(uid)}/series`, { signal })).series,
  });
}

/** A small picture of the study; needs the permission to view. */
export function useThumbnail(uid: string, enabled: boolean) {
  const get = useFetch();
  return useQuery({
    queryKey: ["thumbnail", uid],
    enabled,
    retry: false,
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => (await get(`/api/v1/dicom/thumbnail/${of(uid)}`, "image/png", signal)).blob(),
  });
}

/** The legal hold of a study, or null when it is under none. */
export function useHold(uid: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["study", uid, "hold"],
    queryFn: async ({ signal }) => (await ask<Hold | undefined>(`dicom/studies/${of(uid)}/hold`, { signal })) ?? null,
  });
}

export function usePlaceHold(uid: string) {
  const { ask } = useApi();
  const refresh = useRefreshStudy(uid);
  return useMutation({
    mutationFn: (reason: string) => ask<Hold>(`dicom/studies/${of(uid)}/hold`, { method: "POST", body: { reason } }),
    onSuccess: refresh,
  });
}

export function useReleaseHold(uid: string) {
  const { ask } = useApi();
  const refresh = useRefreshStudy(uid);
  return useMutation({
    mutationFn: (reason: string) =>
      ask<Hold>(`dicom/studies/${of(uid)}/hold`, { method: "DELETE", headers: { "X-Reason": headerText(reason) } }),
    onSuccess: refresh,
  });
}

/** The study is hidden from then on: its own page is no place to stay. */
export function useRequestDeletion(uid: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      ask<schema.DeletionAnswer>(`dicom/studies/${of(uid)}`, {
        method: "DELETE",
        headers: { "X-Reason": headerText(reason) },
      }),
    onSuccess: () => {
      askAgain(client, "deletion");
    },
  });
}

export function useModifyTags(uid: string) {
  const { ask } = useApi();
  return useMutation({
    mutationFn: ({ changes, reason }: { changes: Record<string, string>; reason: string }) =>
      ask<Job>("dicom/modify-tags", { method: "POST", body: { study_instance_uid: uid, changes, reason } }),
  });
}

export function useUndo() {
  const { ask } = useApi();
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) =>
      ask<Job>(`modifications/${encodeURIComponent(id)}/undo`, { method: "POST", body: { reason } }),
  });
}

/** After a change of a study: it, its picture and every list it stands in. */
export function useRefreshStudy(uid: string): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    void client.invalidateQueries({ queryKey: ["thumbnail", uid] });
    for (const what of ["reconciliation", "deletion"] as const) askAgain(client, what);
  }, [client, uid]);
}
