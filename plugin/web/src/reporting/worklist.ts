/** What waits to be read. Pure. */
import type { Unread } from "../api/reports";
import type { Order } from "../api/types";

/** What is written of it: "MR brain, MR neck", or what the images say where nobody has ordered them. */
export function titleOf({ orders, study_description: said, modalities }: Unread): string {
  const ordered = orders.map(({ description, accession_number: number }) => description || number).join(", ");
  return ordered || said || modalities.join(", ");
}

export interface Subject {
  of: { order_id?: string; study_instance_uid?: string };
  modality: string;
  body_part: string | null;
}

export const ofOrder = ({ id, modality, body_part }: Pick<Order, "id" | "modality" | "body_part">): Subject => ({ of: { order_id: id }, modality, body_part });

/** What its report is begun of: its first order, or the study itself. */
export function subjectOf({ orders: [first], study_instance_uid: study, modalities }: Unread): Subject {
  return first ? ofOrder(first) : { of: { study_instance_uid: study }, modality: modalities[0] ?? "", body_part: null };
}

/** Whether somebody else is at it. */
export function isTaken({ report }: Unread, me: string): boolean {
  return report?.claim != null && report.claim.by.subject !== me;
}

/** The next to read: not this study, and nobody is reading it. */
export function nextOf(list: readonly Unread[], current: { study: string | null; orders: readonly string[] }, me: string): Unread | null {
  const isThis = ({ orders, study_instance_uid: uid }: Unread) => uid === current.study || orders.some(({ id }) => current.orders.includes(id));
  return list.find((one) => !isThis(one) && !isTaken(one, me)) ?? null;
}
