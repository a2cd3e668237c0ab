/** The log of what came in. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useServices } from "../services";
import { asPage, PAGE_SIZE } from "./queries";
import type { UploadDetailAnswer, UploadedFileAnswer, UploadEntryAnswer } from "./schema";

export type UploadEntry = UploadEntryAnswer;
export type UploadedFile = UploadedFileAnswer;

export function useUploads(offset: number) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["uploads", { offset }],
    queryFn: async ({ signal }) => asPage<UploadEntry>(await ask("dicom/uploads", { query: { limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useUpload(id: string) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["uploads", id],
    queryFn: ({ signal }) => ask<UploadDetailAnswer>(`dicom/uploads/${encodeURIComponent(id)}`, { signal }),
  });
}
