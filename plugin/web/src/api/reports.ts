/** Reports: read, written, signed. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Ask } from "./client";
import { askAgain } from "./changed";
import { useApi } from "./context";
import { newKey } from "./desk";
import { useChange } from "./lists";
import { asPage, PAGE_SIZE } from "./queries";
import type * as schema from "./schema";

export type Section = schema.SectionAnswer;
export type ReportItem = schema.ReportItem;
export type Unread = schema.UnreadAnswer;
export type Report = schema.ReportAnswer;
export type Version = schema.ReportVersionAnswer;
export type Proof = schema.ProofAnswer;
export type Level = schema.CriticalLevel;
export type Amendment = schema.AmendBody["kind"];

export interface Critical {
  level: Level;
  note: string | null;
}

export interface Draft {
  sections: readonly Section[];
  critical: Critical | null;
}

/** A draft as the server has it. */
export interface Saved {
  draft: Draft;
  tag: string;
  savedAt: string;
  /** Who saved it. */
  by: string;
}

export type Macro = Pick<schema.MacroAnswer, "name" | "text">;
export type Template = schema.TemplateAnswer;
export type TemplateBody = schema.TemplateBody;
export type Communication = schema.CommunicationAnswer;
export type CommunicationBody = schema.CommunicationBody;

export interface Tagged {
  report: Report;
  tag: string;
}

const MANY = 200;
const of = (id: string) => `reports/${encodeURIComponent(id)}`;

async function tagged(ask: Ask, path: string, asking: Parameters<Ask>[1] = {}): Promise<Tagged> {
  let tag = "";
  const report = await ask<Report>(path, { ...asking, onTag: (its) => (tag = its) });
  return { report, tag };
}

export function useReport(id: string) {
  const { ask } = useApi();
  return useQuery({ queryKey: ["report", id], queryFn: ({ signal }) => tagged(ask, of(id), { signal }), staleTime: 0 });
}

export function useVersions(id: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["report", id, "versions"],
    queryFn: async ({ signal }) => (await ask<schema.ReportVersionList>(`${of(id)}/versions`, { signal })).items,
  });
}

export function useVerify(id: string) {
  const { ask } = useApi();
  return useMutation({ mutationFn: (version: number) => ask<Proof>(`${of(id)}/versions/${version}/verify`) });
}

/** Reports of an order, a study or a patient, latest first; those the user may see. */
export function useReportsOf(filter: { order?: string; study?: string; patient?: string }, enabled = true) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["reports", filter],
    enabled,
    queryFn: async ({ signal }) => asPage<ReportItem>(await ask("reports", { query: { ...filter, sort: "-updated_at", limit: MANY }, signal })).items,
  });
}

/** Page by page, latest issued first; `unread`: "true" for what the user has yet to see. */
export function useReports(filter: { unread: string; status: string; waits_for?: string; offset: number }) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["reports", "list", filter],
    queryFn: async ({ signal }) => asPage<ReportItem>(await ask("reports", { query: { ...filter, sort: "-issued_at", limit: PAGE_SIZE }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** Studies that wait for a report. Asked for again by itself: others read too. */
export function useReading(filter: { urgency?: string; begun?: string; offset?: number }, enabled = true) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["reports", "reading", filter],
    enabled,
    refetchInterval: 20_000,
    queryFn: ({ signal }) => ask<schema.ReadingListAnswer>("reading-list", { query: { ...filter, limit: PAGE_SIZE }, signal }),
    placeholderData: keepPreviousData,
  });
}

/** Reports that wait for somebody, and those that are being written. */
export function useOpenReports() {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["reports", "open"],
    refetchInterval: 20_000,
    queryFn: async ({ signal }) => {
      const [waiting, drafts] = await Promise.all([
        ask("reports", { query: { waits_for: "anything", limit: MANY }, signal }),
        ask("reports", { query: { being_written: "true", sort: "-updated_at", limit: MANY }, signal }),
      ]);
      return { waiting: asPage<ReportItem>(waiting).items, drafts: asPage<ReportItem>(drafts).items };
    },
  });
}

/** One act on a report, after which everything that shows it is asked for again. */
export function useAct<Asked>(act: (ask: Ask, asked: Asked) => Promise<Tagged>) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation<Tagged, Error, Asked>({
    mutationFn: (asked) => act(ask, asked),
    onSuccess: (done) => client.setQueryData(["report", done.report.id], done),
    onSettled: () => {
      askAgain(client, "report");
    },
    gcTime: 0,
  });
}

const post = (ask: Ask, id: string, act: string, body?: unknown, tag?: string) =>
  tagged(ask, `${of(id)}/${act}`, { method: "POST", ...(body === undefined ? {} : { body }), headers: tag ? { "If-Match": tag } : {} });

/** Begins a report, which claims it. */
export const useBegin = () =>
  useAct<{ order_id?: string; study_instance_uid?: string; template?: string }>((ask, body) => tagged(ask, "reports", { method: "POST", body }));

/** A reason takes it over from somebody else. */
export const useClaim = (id: string) => useAct<string | null>((ask, reason) => post(ask, id, "claim", { reason }));
export const useRelease = (id: string) => useAct<void>((ask) => post(ask, id, "release"));
export const useDiscard = (id: string) => useAct<string>((ask, reason) => post(ask, id, "discard", { reason }));
export const usePreliminary = (id: string) => useAct<string>((ask, tag) => post(ask, id, "preliminary", undefined, tag));
export const useSign = (id: string) =>
  useAct<{ password: string | null; tag: string }>((ask, { password, tag }) => tagged(ask, `${of(id)}/sign`, { method: "POST", body: { password }, headers: { "If-Match": tag }, proves: true }));
export const useAmend = (id: string) => useAct<{ kind: Amendment; reason: string }>((ask, body) => post(ask, id, "amend", body));
export const useWithdraw = (id: string) => useAct<string>((ask, reason) => post(ask, id, "withdraw", { reason }));

/** It is right although its images were moved. */
export const useKeep = (id: string) => useAct<string>((ask, reason) => post(ask, id, "keep", { reason }));

export function useCommunications(id: string, enabled: boolean) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["report", id, "communications"],
    enabled,
    queryFn: async ({ signal }) => (await ask<schema.CommunicationList>(`${of(id)}/communications`, { signal })).items,
  });
}

export function useCommunicate(id: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  const [key] = useState(newKey);
  return useMutation<Communication, Error, CommunicationBody>({
    mutationFn: (body) => ask<Communication>(`${of(id)}/communications`, { method: "POST", body, headers: { "Idempotency-Key": key } }),
    onSettled: () => {
      askAgain(client, "report");
    },
  });
}

export function useTemplates(enabled: boolean) {
  const { ask } = useApi();
  return useQuery({ queryKey: ["report-templates"], enabled, staleTime: 60_000, queryFn: async ({ signal }) => (await ask<schema.TemplateList>("report-templates", { signal })).items });
}

export function useMacros(enabled: boolean) {
  const { ask } = useApi();
  return useQuery({ queryKey: ["report-macros"], enabled, staleTime: 60_000, queryFn: async ({ signal }) => (await ask<schema.MacroList>("report-macros", { signal })).items });
}

const named = (list: string, name: string) => `${list}/${encodeURIComponent(name)}`;

export const usePutTemplate = () =>
  useChange("report-templates", (ask, { name, body }: { name: string; body: TemplateBody }) => ask<Template>(named("report-templates", name), { method: "PUT", body }));
export const useDeleteTemplate = () => useChange("report-templates", (ask, name: string) => ask<undefined>(named("report-templates", name), { method: "DELETE" }));
export const usePutMacro = () => useChange("report-macros", (ask, { name, text }: Macro) => ask<Macro>(named("report-macros", name), { method: "PUT", body: { text } }));
export const useDeleteMacro = () => useChange("report-macros", (ask, name: string) => ask<undefined>(named("report-macros", name), { method: "DELETE" }));

/** Notes that the user has seen what was issued. */
export function useSeen(id: string) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ask<undefined>(`${of(id)}/seen`, { method: "POST" }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["reports", "list"] }),
  });
}

export function savedOf({ report, tag }: Tagged): Saved | null {
  const { draft } = report;
  if (!draft) return null;
  const { critical } = draft;
  return {
    draft: { sections: draft.sections, critical: critical && { level: critical.level, note: critical.note } },
    tag,
    savedAt: draft.saved_at,
    by: draft.author.name,
  };
}

/** How a draft is saved and loaded, for `Autosave`. */
export function useDraftStore(id: string) {
  const { ask } = useApi();
  const [store] = useState(() => ({
    save: async (draft: Draft, tag: string, leaving: boolean): Promise<Saved> => {
      const done = await tagged(ask, of(id), { method: "PUT", body: draft, headers: { "If-Match": tag }, keepalive: leaving });
      return savedOf(done)!;
    },
    load: async (): Promise<Tagged> => tagged(ask, of(id)),
  }));
  return store;
}
