/** What the server says about a comparison, in the reader's language. Pure. */
import { filled, formatDay, formatList, known } from ".";

/** A finding of a comparison: the server's own English, and the codes of its reasons with what to fill in. */
interface Finding {
  detail: string;
  reasons?: readonly string[];
  values?: Readonly<Record<string, string>>;
}

/** The server's own English where it gives no reasons, or one that we have no words for. */
export function reasonOf({ detail, reasons = [], values = {} }: Finding): string {
  const said = reasons.map((reason) => known("reason", reason));
  if (said.length === 0 || said.includes(null)) return detail;
  return filled(formatList(said.map(String)), "date" in values ? { ...values, date: formatDay(values.date ?? "") } : values);
}
