/** What an image says of itself that a radiographer checks: side, body part, window. Pure. */
import type { Dataset } from "../api/objects";

export type Window = readonly [center: number, width: number];

export interface Preset {
  name: string;
  window: Window;
}

const values = (of: Dataset | undefined, tag: string) => of?.[tag]?.Value ?? [];
const text = (of: Dataset | undefined, tag: string) => values(of, tag).map((value) => (typeof value === "string" || typeof value === "number" ? String(value) : "")).filter(Boolean).join(", ");

/** Image Laterality, else Laterality, else that of the Frame Anatomy (PS3.3 C.7.6.16.2.8). */
export function lateralityOf(of: Dataset | undefined): string {
  return text(of, "00200062") || text(of, "00200060") || text(inside(inside(of, "52009229"), "00209071"), "00209072");
}

export const bodyPartOf = (of: Dataset | undefined) => text(of, "00180015");

/** The windows that the file names; none without a width. */
export function windowsOf(of: Dataset | undefined): Window[] {
  const shared = inside(inside(of, "52009229"), "00289132");
  const from = values(of, "00281050").length > 0 ? of : shared;
  const centers = values(from, "00281050").map(Number);
  const widths = values(from, "00281051").map(Number);
  return centers.flatMap((center, at) => {
    const width = widths[at];
    return Number.isFinite(center) && width !== undefined && width > 0 ? [[center, width] as const] : [];
  });
}

/** The usual windows of a CT in Hounsfield units. */
export const CT: readonly Preset[] = [
  { name: "soft", window: [40, 400] },
  { name: "lung", window: [-600, 1500] },
  { name: "bone", window: [400, 1800] },
  { name: "brain", window: [40, 80] },
];

/** Narrower or wider: more or less contrast. */
export const scaled = ([center, width]: Window, by: number): Window => [center, Math.max(1, Math.round(width * by))];

/** Darker or brighter, by a part of the width. */
export const shifted = ([center, width]: Window, by: number): Window => [Math.round(center + width * by), width];

function inside(of: Dataset | undefined, tag: string): Dataset | undefined {
  const item = values(of, tag)[0];
  return typeof item === "object" && item !== null ? (item as Dataset) : undefined;
}
