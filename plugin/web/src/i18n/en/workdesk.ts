/** Reconciliation as a desk: queue and panel, splitting, many at once. */
export const workdesk = {
  "desk.last": "The decision before",
  "desk.last.show": "Show it",
  "desk.last.close": "Close the decision before",
  "desk.back": "All that wait",
  "desk.order.create": "Create the order…",
  "desk.order.from_images": "The order, as far as the images say it",
  "desk.order.accession.hint": "Empty: a number is given here",
  "desk.count.part": "{shown} of {total} studies",
  "desk.count": { one: "{count} study", other: "{count} studies" },
} as const;
