/** The log of what came in. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { PAGE_SIZE, pageOf } from "./queries";
import type { UploadDetailAnswer, UploadedFileAnswer, UploadEntryAnswer, UploadLimitsAnswer } from "./schema";

export type UploadEntry = UploadEntryAnswer;
export type UploadedFile = UploadedFileAnswer;

/** The server's names; what is empty asks for nothing. */
export interface UploadFilter {
  uploaded_by: string;
  patient: string;
  issuer: string;
  file_name: string;
  source_address: string;
  upload_status: string;
  upload_source: string;
  study: string;
  from: string;
  to: string;
  offset: number;
}

export function useUploads(filter: UploadFilter) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["uploads", filter],
    queryFn: ({ signal }) => pageOf<UploadEntry>(ask("dicom/uploads", { query: { ...filter, limit: PAGE_SIZE }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** What one request may bring; nobody has to wait for it. */
export function useUploadLimits() {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["upload-limits"],
    queryFn: ({ signal }) => ask<UploadLimitsAnswer>("dicom/upload-limits", { signal }),
    staleTime: 5 * 60_000,
  });
}

export function useUpload(id: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["uploads", id],
    queryFn: ({ signal }) => ask<UploadDetailAnswer>(`dicom/uploads/${encodeURIComponent(id)}`, { signal }),
  });
}
