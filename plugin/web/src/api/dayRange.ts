/** Days as people choose them, as moments that the server is asked about. Pure. */

/** Not a day of the user's but a moment: where the site's days begin at another time. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;

/** A day of the user's as the moments it begins and ends, in UTC; "" where there is none. */
export function rangeOf(from: string, to: string): { from: string; to: string } {
  return { from: moment(from, 0), to: moment(to, 1) };
}

function moment(day: string, later: number): string {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return MOMENT.test(day) ? day : "";
  const [, year, month, date] = parts.map(Number);
  const local = new Date(year ?? 0, (month ?? 1) - 1, (date ?? 1) + later);
  return Number.isNaN(local.getTime()) ? "" : local.toISOString();
}
