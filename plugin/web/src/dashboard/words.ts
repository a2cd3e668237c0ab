/** Times and states of the dashboard in words. Pure. */
import type { Leg } from "../api/dashboard";
import { t } from "../i18n";

export const LEGS: readonly Leg["leg"][] = [
  "order_to_arrival",
  "appointment_to_images",
  "arrival_to_images",
  "images_to_completed",
  "completed_to_preliminary",
  "preliminary_to_signed",
  "completed_to_signed",
  "order_to_signed",
];
export const SPANS = ["7", "30", "90"] as const;
export const PRIORITIES = ["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"] as const;
export const STATES = ["scheduled", "arrived", "in_progress", "completed", "reported", "cancelled"] as const;

export const METRICS = ["dlp", "ctdi_vol", "dap", "agd"] as const;
/** Modalities with X-rays, as the server has them. */
export const DOSED = ["CT", "MG", "XA", "RF", "DX", "CR"] as const;
export const STATED = ["stated", "unstated", "above"] as const;

/** The two largest units of a time: "1 h 20 min"; below a minute it says so. */
export function timeWords(minutes: number | null): string | null {
  if (minutes === null) return null;
  const whole = Math.round(minutes);
  if (whole < 1) return t("dashboard.time.moment");
  const days = Math.floor(whole / 1440);
  const hours = Math.floor((whole % 1440) / 60);
  if (days) return t("span.days", { days, hours });
  return hours ? t("span.hours", { hours, minutes: whole % 60 }) : t("span.minutes", { minutes: whole });
}

/** In which unit a plot counts, so that its axis has small numbers. */
export function unitOf(longest: number): { key: "minutes" | "hours" | "days"; minutes: number } {
  if (longest > 3 * 1440) return { key: "days", minutes: 1440 };
  return longest > 180 ? { key: "hours", minutes: 60 } : { key: "minutes", minutes: 1 };
}
