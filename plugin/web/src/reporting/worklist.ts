/** What waits to be read, in the order in which it is read. Pure. */
import type { ReportItem } from "../api/reports";
import type { Order } from "../api/types";

const URGENCY: Readonly<Record<string, number>> = { STAT: 0, HIGH: 1 };

export interface Unread {
  order: Order;
  /** All orders that the study answers. */
  orders: readonly Order[];
  /** What somebody has begun to write. */
  report: ReportItem | null;
}

/** Orders with images and without a signed report: emergencies first, then what has waited longest; one line for a study. */
export function unreadOf(orders: readonly Order[], reports: readonly ReportItem[]): Unread[] {
  const lines = new Map<string, Order[]>();
  for (const order of orders) {
    if ((order.number_of_images ?? 0) === 0) continue;
    const key = order.study_instance_uid || order.id;
    lines.set(key, [...(lines.get(key) ?? []), order]);
  }
  return [...lines.values()]
    .map((several): Unread => {
      const sorted = [...several].sort(bySoonest);
      const report = reports.find((one) => one.status !== "entered_in_error" && several.some(({ id, study_instance_uid: uid }) => one.order_ids.includes(id) || one.study_instance_uid === uid));
      return { order: sorted[0]!, orders: sorted, report: report ?? null };
    })
    .sort((one, other) => bySoonest(one.order, other.order));
}

function bySoonest(one: Order, other: Order): number {
  return urgency(one) - urgency(other) || waitsSince(one).localeCompare(waitsSince(other)) || one.accession_number.localeCompare(other.accession_number);
}

function urgency({ priority }: Order): number {
  return URGENCY[(priority ?? "").toUpperCase()] ?? 2;
}

const waitsSince = ({ uploaded_at: came, scheduled_at: planned, created_at: made }: Order) => came ?? planned ?? made;

/** Whether somebody else is at it. */
export function isTaken({ report }: Unread, me: string): boolean {
  return report?.claim != null && report.claim.by.subject !== me;
}

/** The next to read: not this study, and nobody is reading it. */
export function nextOf(list: readonly Unread[], current: { study: string | null; orders: readonly string[] }, me: string): Unread | null {
  const isThis = ({ orders }: Unread) => orders.some(({ id, study_instance_uid: uid }) => uid === current.study || current.orders.includes(id));
  return list.find((one) => !isThis(one) && !isTaken(one, me)) ?? null;
}
