/** The audit trail: pages of events, proof that it is whole, and copies to take away. */
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { useFetch } from "./files";
import { address, type Asking } from "./client";
import { PAGE_SIZE, pageOf } from "./queries";
import type { AuditEventAnswer, VerificationAnswer } from "./schema";

export type AuditEvent = AuditEventAnswer;
export type ExportForm = "csv" | "dicom" | "fhir";

export interface AuditFilter {
  actor: string;
  /** Id or number. */
  patient: string;
  issuer: string;
  action: string;
  study: string;
  from: string;
  to: string;
  offset: number;
}

export function useAudit(filter: AuditFilter) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["audit", filter],
    queryFn: ({ signal }) => pageOf<AuditEvent>(ask("audit", { query: { ...filter, limit: PAGE_SIZE }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Asked on each press: the answer is about now. */
export function useVerification() {
  const { ask } = useApi();
  return useMutation({ mutationFn: () => ask<VerificationAnswer>("audit/verify"), gcTime: 0 });
}

export interface ExportPage {
  content: Blob;
  /** Where the next page is, or null. */
  next: string | null;
}

/** A page of the trail; the answer's Link header says where the next one is (RFC 8288). */
export function useExportPage() {
  const get = useFetch();
  return async (path: string, signal: AbortSignal): Promise<ExportPage> => {
    const answer = await get(path, "*/*", signal);
    return { content: await answer.blob(), next: nextOf(answer.headers.get("Link")) };
  };
}

/** What narrows the list narrows its export. */
export type ExportFilter = Omit<AuditFilter, "offset">;

export function exportPath(form: ExportForm, filter: ExportFilter): string {
  const query: NonNullable<Asking["query"]> = { format: form, ...filter, limit: 10_000 };
  return address("audit/export", query);
}

/** The next page's address, only on our own server. Pure. */
export function nextOf(link: string | null): string | null {
  const found = /<(\/api\/v1\/audit\/export\?[^>]*)>\s*;\s*rel="?next"?/.exec(link ?? "");
  return found?.[1] ?? null;
}
