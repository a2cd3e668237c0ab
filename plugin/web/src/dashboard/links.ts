/** Where each number of the dashboard leads: the list that has exactly that many. Pure. */
import type { Board, TurnaroundQuestion } from "../api/dashboard";
import { rangeOf } from "../api/dayRange";

type Today = Pick<Board["today"], "date_at_site" | "since" | "until">;

/** Orders of the day. Where the user's clock has another zone than the site, its bounds are named as moments. */
export function ordersOf(today: Today, status: string, modality = ""): string {
  const day = today.date_at_site;
  const here = rangeOf(day, day);
  const same = Date.parse(here.from) === Date.parse(today.since) && Date.parse(here.to) === Date.parse(today.until);
  return addressOf("/orders", { status: status || "all", day: "chosen", from: same ? day : today.since, to: same ? day : today.until, modality });
}

export const WAITING_LISTS = {
  critical: "/reports?show=critical",
  unread: "/reading",
  unlinked: "/reconciliation",
  quarantined: "/quarantine",
  damaged: "/studies?damaged=yes",
  deletions: "/deletions?status=pending",
} as const;

export function deliveriesOf(name: string, state: string): string {
  return addressOf("/destinations", { name, state });
}

export function examinationsOf(asked: TurnaroundQuestion, leg = ""): string {
  return addressOf("/dashboard/examinations", { ...asked, leg });
}

/** Studies by the dose that they state. */
export function dosedOf(asked: Readonly<Record<string, string>>): string {
  return addressOf("/dashboard/studies", asked);
}

function addressOf(path: string, filters: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  return `${path}?${search.toString()}`;
}
