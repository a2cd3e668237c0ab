/** What the pages say about a performed step. Pure. */
import type { PerformedStep } from "../api/performed";
import { formatNumber, t } from "../i18n";

type Counted = Pick<PerformedStep, "status" | "number_of_images" | "number_here">;

/** "120 images", or while some are missing "120 by the modality's count, 118 here"; null before it says any. */
export function countWords({ status, number_of_images: made, number_here: here }: Counted): string | null {
  if (made === 0) return null;
  if (status !== "in_progress" && here < made) return t("performed.count.missing", { made: formatNumber(made), here: formatNumber(here) });
  return t("count.images", { count: made });
}

/** Whether anything more is expected of it: its end, its order, its images. */
export function isOpen({ status, is_waiting: waits, closed_at: closed }: Pick<PerformedStep, "status" | "is_waiting" | "closed_at">): boolean {
  return waits || (status === "in_progress" && closed === null);
}

/** Whether images are missing that the modality has made. */
export function isMissingImages(step: Counted & Pick<PerformedStep, "closed_at">): boolean {
  return step.status !== "in_progress" && step.closed_at === null && step.number_here < step.number_of_images;
}
