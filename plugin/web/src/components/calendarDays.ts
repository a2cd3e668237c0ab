/** Days around a day, all ISO dates. Pure. */

const DAY_MS = 86_400_000;

export function addDays(day: string, count: number): string {
  return isoOf(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS);
}

/** The same day of another month; its last one where that month is shorter. */
export function addMonths(day: string, count: number): string {
  const months = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + count;
  const [year, month] = [Math.min(9999, Math.max(1, Math.floor(months / 12))), ((months % 12) + 12) % 12];
  const last = new Date(Date.UTC(2000, 0, 1));
  last.setUTCFullYear(year, month + 1, 0);
  const wished = Math.min(Number(day.slice(8)), last.getUTCDate());
  last.setUTCDate(wished);
  return isoOf(last.valueOf());
}

export function monday(day: string): string {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return addDays(day, -((weekday + 6) % 7));
}

/** The weeks that hold the month of a day, from Mondays to Sundays. */
export function weeksOf(day: string): string[][] {
  const month = day.slice(0, 7);
  const weeks: string[][] = [];
  for (let start = monday(`${month}-01`); weeks.length === 0 || start.startsWith(month); start = addDays(start, 7)) {
    weeks.push(Array.from({ length: 7 }, (_, at) => addDays(start, at)));
  }
  return weeks;
}

function isoOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}
