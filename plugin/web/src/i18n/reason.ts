/** What the server says about a comparison, in the reader's language. Pure. */
import { filled, formatDay, formatList, known } from ".";
import type { Evidence } from "../api/types";

/** The server's own English where it gives no reasons, or one that we have no words for. */
export function reasonOf({ detail, reasons = [], values = {} }: Pick<Evidence, "detail" | "reasons" | "values">): string {
  const said = reasons.map((reason) => known("reason", reason));
  if (said.length === 0 || said.includes(null)) return detail;
  return filled(formatList(said.map(String)), "date" in values ? { ...values, date: formatDay(values.date ?? "") } : values);
}
