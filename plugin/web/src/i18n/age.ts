/** How old somebody is, in the unit people say it in. Pure. */

export interface Age {
  unit: "years" | "months" | "days";
  count: number;
}

/** From ISO dates; null when it is no date, or lies ahead. Under two years in months, under two months in days. */
export function ageOn(born: string, today: string): Age | null {
  const from = parts(born);
  const to = parts(today);
  if (!from || !to || born > today) return null;
  const months = (to.year - from.year) * 12 + to.month - from.month - (to.day < from.day ? 1 : 0);
  if (months >= 24) return { unit: "years", count: Math.floor(months / 12) };
  if (months >= 2) return { unit: "months", count: months };
  return { unit: "days", count: Math.round((Date.parse(today) - Date.parse(born)) / 86_400_000) };
}

/** Today where the user is, as an ISO date. */
export function today(now = new Date()): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function parts(iso: string): { year: number; month: number; day: number } | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso);
  if (!found || Number.isNaN(Date.parse(iso))) return null;
  return { year: Number(found[1]), month: Number(found[2]), day: Number(found[3]) };
}
