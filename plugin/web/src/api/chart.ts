/** A patient's chart: everything by date, and documents. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { API_ROOT } from "./client";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { newKey } from "./desk";
import { ApiError, errorFromAnswer } from "./errors";
import { useFetch } from "./files";
import { asPage, PAGE_SIZE } from "./queries";
import type * as schema from "./schema";
import type { OrderRow } from "./types";

export type Entry = schema.TimelineEntry;
export type EntryKind = schema.TimelineEntry["kind"];
export type ChartDocument = schema.DocumentAnswer;
export type DocumentKind = ChartDocument["kind"];

/** To whom a document is attached; of an order also whom the person saw, because the EHR may give it to somebody else. */
export type Owner = { order: string; patient: string } | { patient: string };

export interface NewDocument {
  file: File;
  type: string;
  kind: DocumentKind;
  title: string;
  /** An ISO date; "" for today. */
  dated: string;
}

/** Of one patient, page by page; of all kinds or one, of all modalities or one. */
export function useTimeline(patient: string, kind: string, modality: string) {
  const { ask } = useApi();
  return useInfiniteQuery({
    queryKey: ["timeline", patient, kind, modality],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      ask<schema.TimelineAnswer>("timeline", { query: { patient, kind, modality, limit: PAGE_SIZE, cursor: pageParam }, signal }),
    getNextPageParam: (page) => page.next,
  });
}

/** Of one patient: critical results that nobody has been told, and emergencies that wait. */
export function useAlerts(patient: string) {
  const { ask } = useApi();
  const critical = useQuery({
    queryKey: ["reports", "critical", patient],
    queryFn: async ({ signal }) => asPage<schema.ReportItem>(await ask("reports", { query: { patient, waits_for: "communication", limit: PAGE_SIZE }, signal })),
  });
  const emergencies = useQuery({
    queryKey: ["orders", "emergencies", patient],
    queryFn: async ({ signal }) => asPage<OrderRow>(await ask("orders", { query: { patient, priority: "STAT", status: "scheduled,arrived,in_progress", limit: PAGE_SIZE }, signal })),
  });
  return { critical, emergencies };
}

export function useDocuments(owner: Owner | { study: string }) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["documents", owner],
    queryFn: async ({ signal }) => asPage<ChartDocument>(await ask("documents", { query: { ...("order" in owner ? { order: owner.order } : owner), limit: PAGE_SIZE }, signal })),
  });
}

export function useDocument(id: string) {
  const { ask } = useApi();
  return useQuery({ queryKey: ["documents", id], queryFn: ({ signal }) => ask<ChartDocument>(`documents/${encodeURIComponent(id)}`, { signal }) });
}

/** The file itself, with the type that the server gives it. */
export function useContent() {
  const get = useFetch();
  return async (id: string, download: boolean, signal?: AbortSignal): Promise<Blob> =>
    (await get(`${API_ROOT}/documents/${encodeURIComponent(id)}/content${download ? "?download=true" : ""}`, "*/*", signal)).blob();
}

/** Sends a document; `sent` says how much of it, from 0 to 1. A second try under the same key makes no second one. */
export function useAttach(owner: Owner) {
  const { session } = useApi();
  const client = useQueryClient();
  const [sent, setSent] = useState(0);
  const [key, setKey] = useState(newKey);
  const path = "order" in owner ? `orders/${encodeURIComponent(owner.order)}` : `patients/${encodeURIComponent(owner.patient)}`;
  const attach = useMutation<ChartDocument, Error, NewDocument>({
    mutationFn: (document) => send(`${API_ROOT}/${path}/documents`, document, "order" in owner ? owner.patient : "", session.token() ?? "", key, setSent),
    onSuccess: () => setKey(newKey()),
    onSettled: () => {
      setSent(0);
      askAgain(client, "document");
    },
  });
  return { attach, sent };
}

/** XMLHttpRequest, because fetch tells nothing about what it has sent. */
function send(address: string, { file, type, kind, title, dated }: NewDocument, patient: string, token: string, key: string, onProgress: (sent: number) => void): Promise<ChartDocument> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const headers: Record<string, string> = {
      Accept: "application/json, application/problem+json",
      Authorization: `Bearer ${token}`,
      "Content-Type": type,
      "Idempotency-Key": key,
      "X-Document-Kind": kind,
      "X-Document-Title": encoded(title.trim()),
      "X-Document-Date": dated,
      "X-Patient-Id": patient,
      "X-File-Name": encoded(file.name),
    };
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers)) if (value) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status < 300) resolve(body as ChartDocument);
      else reject(errorFromAnswer(request.status, body, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => reject(new ApiError(0, "network"));
    request.send(file);
  });
}

const encoded = (text: string) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\uFFFD"));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
