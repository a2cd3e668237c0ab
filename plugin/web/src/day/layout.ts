/** Which columns the list of orders has, and how wide they are. Pure. */

/** In the order in which they stand, with their width in rem. */
export const WIDTHS = {
  patient: 15,
  order: 13,
  accession_number: 9,
  modality: 8,
  station: 7,
  body_part: 8,
  scheduled: 10,
  priority: 7,
  ordered_by: 10,
  status: 8,
  assigned_to: 8,
  report: 8,
  images: 5,
  view: 7,
} as const;
export type ColumnName = keyof typeof WIDTHS;

export const COLUMNS = Object.keys(WIDTHS) as ColumnName[];
/** What everybody has who has chosen nothing; with much room some more. */
const PLAIN: readonly ColumnName[] = ["patient", "order", "modality", "scheduled", "status", "report", "view"];
const ROOMY: readonly ColumnName[] = ["patient", "order", "modality", "station", "body_part", "scheduled", "ordered_by", "status", "assigned_to", "report", "images", "view"];
/** The row opens by it, and is named by it. */
const ALWAYS: readonly ColumnName[] = ["patient", "order"];

export const plainColumns = (isRoomy: boolean): readonly ColumnName[] => (isRoomy ? ROOMY : PLAIN);

/** Those of a list of names that there are, in their order, with those that no list is without; null for none. */
export function columnsOf(said: readonly string[] | string | null | undefined): readonly ColumnName[] | null {
  const names = typeof said === "string" ? said.split(",") : (said ?? []);
  const found = COLUMNS.filter((name) => names.includes(name));
  return found.length === 0 ? null : COLUMNS.filter((name) => found.includes(name) || ALWAYS.includes(name));
}

export const mayBeLeftOut = (name: ColumnName): boolean => !ALWAYS.includes(name);

/** Each column's share of the width. */
export function sharesOf(columns: readonly ColumnName[]): readonly string[] {
  const whole = widthOf(columns);
  return columns.map((name) => `${((WIDTHS[name] / whole) * 100).toFixed(2)}%`);
}

/** In rem. */
export const widthOf = (columns: readonly ColumnName[]): number => columns.reduce((sum, name) => sum + WIDTHS[name], 0);
