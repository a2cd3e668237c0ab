/** From what stands in the address and search box of the list of orders to what the server is asked. Pure. */
import type { OrderQuestion } from "../api/queries";
import type { ListPlace } from "../components/useListPlace";
import { rangeOf } from "../api/dayRange";

export const ALL = "all";
export const WAITING = "scheduled,arrived";
/** Today and what is overdue, emergencies whenever they are, and what has no appointment. */
export const DUE = "due";
export const DEFAULTS = { view: "", columns: "", status: WAITING, day: DUE, from: "", to: "", modality: "", station: "", part: "", priority: "", report: "", assigned: "" };
export type DayFilters = typeof DEFAULTS;
/** Emergencies on top, and then who is expected soonest. */
export const SORT = "urgency";
const SORTS = ["urgency", "assigned_to", "status", "station_ae_title", "scheduled_at", "patient_name", "modality", "accession_number"];

export const STATES = ["scheduled", "arrived", "in_progress", "completed", "reported", "cancelled"] as const;
export const DAYS = [DUE, "today", "tomorrow", "week", ALL, "chosen"] as const;
export const PRIORITIES = ["STAT", "STAT,HIGH", "ROUTINE,MEDIUM,LOW"] as const;
export const REPORTS = ["none", "draft", "preliminary", "final,amended,corrected,appended"] as const;
/** So long an order is still in the list of what is due; what is older is counted above it, and by the server (`services/day/counts.py`). */
const OVERDUE_DAYS = 3;
/** Where they begin, seen from today, and how many days. */
const SPANS: Readonly<Record<string, readonly [number, number]>> = { [DUE]: [-OVERDUE_DAYS, OVERDUE_DAYS + 1], today: [0, 1], tomorrow: [1, 1], week: [0, 7] };

/** An address somebody has written by hand asks for what it makes sense to ask for. */
export function questionOf({ q, filters, sort }: Pick<ListPlace<keyof DayFilters>, "q" | "filters" | "sort">, now = new Date()): OrderQuestion {
  const column = sort.replace(/^-/, "");
  return {
    q,
    status: filters.status === ALL ? "" : statesOf(filters.status),
    ...periodOf(filters, now),
    modality: /^[A-Z0-9_]{1,16}$/.test(filters.modality) ? filters.modality : "",
    station_ae_title: filters.station.slice(0, 16),
    body_part: filters.part.slice(0, 16),
    priority: PRIORITIES.find((each) => each === filters.priority) ?? "",
    report: REPORTS.find((each) => each === filters.report) ?? "",
    assigned_to: filters.assigned.slice(0, 255),
    sort: SORTS.includes(column) ? sort : SORT,
  };
}

/** The same without a lower limit, where the list is of what is due and still waits: what is older is the difference. */
export function withOlder({ filters }: Pick<ListPlace<keyof DayFilters>, "filters">, question: OrderQuestion): OrderQuestion | null {
  const waits = question.status && question.status.split(",").every((each) => WAITING.split(",").includes(each));
  return filters.day === DUE && waits ? { ...question, from: "" } : null;
}

/** The last day, as the address has it, that is too long ago to be due. */
export function beforeDue(now = new Date()): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - OVERDUE_DAYS - 1);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** How many of those narrow the list that fold away where there is little room. */
export function foldingOf(filters: DayFilters): string[] {
  const { from, to, modality, station, part, priority, report, assigned } = filters;
  return [...(filters.day === "chosen" ? [from, to] : []), modality, station, part, priority, report, assigned];
}

/** Of everything that a list shows otherwise than when it is opened. */
export function askedOf(q: string, filters: DayFilters): string[] {
  return [q, filters.view, ...(["status", "day"] as const).map((name) => (filters[name] === DEFAULTS[name] ? "" : filters[name])), ...foldingOf(filters)];
}

export function isNarrowed(q: string, filters: DayFilters): boolean {
  return Boolean(q) || filters.status !== ALL || filters.day !== ALL || foldingOf(filters).some(Boolean);
}

function statesOf(said: string): string {
  const known = said.split(",").filter((each) => STATES.some((state) => state === each));
  return known.join(",") || WAITING;
}

function periodOf({ day, from, to }: DayFilters, now: Date): { from: string; to: string; also: string } {
  if (day === "chosen") return { ...rangeOf(from, to), also: "" };
  const span = SPANS[day];
  if (!span) return { from: "", to: "", also: "" };
  const at = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).toISOString();
  return { from: at(span[0]), to: at(span[0] + span[1]), also: day === DUE ? "emergencies,unscheduled" : "" };
}
