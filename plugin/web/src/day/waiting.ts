/** How long somebody, or somebody's images, have waited. Pure. */
import type { OrderRow } from "../api/types";

export interface Waiting {
  /** `here`: the patient has arrived; `late`: the appointment is over; `unread`: the images have no report. */
  what: "here" | "late" | "unread";
  minutes: number;
}

type Told = Pick<OrderRow, "status" | "arrived_at" | "scheduled_at" | "uploaded_at" | "number_of_images">;

export function waitingOf({ status, arrived_at: arrived, scheduled_at: scheduled, uploaded_at: came, number_of_images: images }: Told, now: number): Waiting | null {
  if (status === "arrived") return since("here", arrived, now);
  if (status === "scheduled") return since("late", scheduled, now);
  if ((status === "in_progress" || status === "completed") && images) return since("unread", came, now);
  return null;
}

function since(what: Waiting["what"], iso: string | null | undefined, now: number): Waiting | null {
  const minutes = iso ? Math.floor((now - Date.parse(iso)) / 60_000) : NaN;
  return minutes >= 1 ? { what, minutes } : null;
}

/** The two largest units: days and hours, or hours and minutes. */
export function spanOf(minutes: number): { days: number; hours: number; minutes: number } {
  const days = Math.floor(minutes / 1440);
  return { days, hours: Math.floor((minutes % 1440) / 60), minutes: days ? 0 : minutes % 60 };
}
