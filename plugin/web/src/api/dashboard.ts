/** The dashboard's numbers, and the lists behind those that no other page has. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { asPage, PAGE_SIZE } from "./queries";
import type * as schema from "./schema";

export type Board = schema.DashboardAnswer;
export type Turnaround = schema.TurnaroundAnswer;
export type Leg = schema.LegAnswer;
export type Examination = schema.ExaminationAnswer;
export type Doses = schema.DoseAnswer;
export type DoseGroup = schema.DoseGroupAnswer;
export type DosedStudy = schema.DoseStudyAnswer;

const AGAIN_MS = 60_000;

/** Today and what waits; read again when something has changed (`api/live.ts`). */
export function useBoard() {
  const { ask } = useApi();
  return useQuery({ queryKey: ["dashboard"], queryFn: ({ signal }) => ask<Board>("dashboard", { signal }) });
}

export interface TurnaroundQuestion {
  days: string;
  modality: string;
  priority: string;
}

/** How long examinations took: a span changes slowly, so it is read again once a minute. */
export function useTurnaround(question: TurnaroundQuestion) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["turnaround", question],
    queryFn: ({ signal }) => ask<Turnaround>("dashboard/turnaround", { query: { ...question }, signal }),
    refetchInterval: AGAIN_MS,
    placeholderData: keepPreviousData,
  });
}

export function useExaminations(question: TurnaroundQuestion & { leg: string; offset: number }) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["examinations", question],
    queryFn: async ({ signal }) => asPage<Examination>(await ask("dashboard/turnaround/examinations", { query: { ...question, limit: PAGE_SIZE }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** What studies state of their dose, beside the site's own of the year before. */
export function useDose(days: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["dose", days],
    queryFn: ({ signal }) => ask<Doses>("dashboard/dose", { query: { days }, signal }),
    refetchInterval: AGAIN_MS,
    placeholderData: keepPreviousData,
  });
}

export interface DosedQuestion {
  days: string;
  modality: string;
  metric: string;
  description: string;
  /** "true": those without a description. */
  undescribed: string;
  dose: string;
  offset: number;
}

export function useDosed(question: DosedQuestion) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["dosed", question],
    queryFn: async ({ signal }) => asPage<DosedStudy>(await ask("dashboard/dose/studies", { query: { ...question, limit: PAGE_SIZE }, signal })),
    placeholderData: keepPreviousData,
  });
}
