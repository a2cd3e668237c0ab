/** Sizes of labels, and what stands on them. Pure. */
import type { Label, LabelKind } from "../api/printing";

export interface Size {
  /** Of one label, in millimetres. */
  width: number;
  height: number;
  /** Labels beside and below each other on a sheet of A4; else each label is a page of its own. */
  grid?: { columns: number; rows: number };
}

export const SIZES = {
  "62x29": { width: 62, height: 29 },
  "57x32": { width: 57, height: 32 },
  "100x50": { width: 100, height: 50 },
  a4: { width: 70, height: 37, grid: { columns: 3, rows: 8 } },
} as const satisfies Readonly<Record<string, Size>>;

export type SizeName = keyof typeof SIZES;

/** What the bars say: of a patient their number, else the order's. */
export function codeOf(label: Label, kind: LabelKind): string {
  return kind === "patient" || !label.order ? (label.mrn ?? "") : label.order.accession_number;
}

/** Each label as often as it is wanted, copies together. */
export function repeated<T>(labels: readonly T[], copies: number): T[] {
  return labels.flatMap((label) => Array.from({ length: copies }, () => label));
}

/** The page that a printer is asked for. */
export function pageRule({ width, height, grid }: Size): string {
  return grid ? "@page { size: A4; margin: 0 }" : `@page { size: ${width}mm ${height}mm; margin: 0 }`;
}
