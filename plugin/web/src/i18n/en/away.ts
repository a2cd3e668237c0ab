/** Taking away: lists as tables, print, labels. */
export const away = {
  "away.save": "Save as CSV",
  "away.making": "The server is making the table. A long list takes half a minute.",
  "away.coming": "{size} have come.",
  "away.saved": {
    one: "Saved as {name}: {count} row. Restricted patients are never in it.",
    other: "Saved as {name}: {count} rows. Restricted patients are never in it.",
  },
  "problem.too_many_rows": "The list is too long for one table: at most 100,000 rows. Narrow it, by date for instance, and save it in parts.",
  "problem.busy": "The server is busy with other such requests. Try again in a minute.",
} as const;
