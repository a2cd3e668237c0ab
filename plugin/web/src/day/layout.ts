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

/** Those of a list of names that there are, each once and in the list's order, with those before them that no list is without; null for none. */
export function columnsOf(said: readonly string[] | string | null | undefined): readonly ColumnName[] | null {
  const names = new Set(typeof said === "string" ? said.split(",") : (said ?? []));
  const found = [...names].filter((name): name is ColumnName => name in WIDTHS);
  return found.length === 0 ? null : [...ALWAYS.filter((name) => !names.has(name)), ...found];
}

/** Those that are chosen first, in their order; then the others. */
export const allInOrder = (chosen: readonly ColumnName[]): readonly ColumnName[] => [...chosen, ...COLUMNS.filter((name) => !chosen.includes(name))];

/** With one of them one place further left (-1) or right (1); where there is no further, the same list. */
export function movedBy(columns: readonly ColumnName[], name: ColumnName, step: -1 | 1): readonly ColumnName[] {
  const at = columns.indexOf(name);
  const other = columns[at + step];
  if (at < 0 || other === undefined) return columns;
  return columns.map((each) => (each === name ? other : each === other ? name : each));
}

export const mayBeLeftOut = (name: ColumnName): boolean => !ALWAYS.includes(name);

/** Each column's share of the width. */
export function sharesOf(columns: readonly ColumnName[]): readonly string[] {
  const whole = widthOf(columns);
  return columns.map((name) => `${((WIDTHS[name] / whole) * 100).toFixed(2)}%`);
}

/** In rem. */
export const widthOf = (columns: readonly ColumnName[]): number => columns.reduce((sum, name) => sum + WIDTHS[name], 0);
