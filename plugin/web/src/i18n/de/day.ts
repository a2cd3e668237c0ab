import type { day as english } from "../en/day";
import type { Translation } from "../translation";

export const day: Translation<typeof english> = {
  "assign.title": "Durchführung",
  "assign.column": "Zuständig",
  "assign.since": "{name} zugeteilt, {when}",
  "assign.nobody": "Noch niemand",
  "assign.take": "Übernehmen",
  "assign.take.label": "Untersuchung von {patient}, {accession}, übernehmen",
  "assign.take.here": "Untersuchung übernehmen",
  "assign.give_back": "Zurückgeben",
  "assign.other": "Zuteilen…",
  "assign.other.title": "Wer führt die Untersuchung {accession} durch?",
  "assign.other.who": "Person",
  "assign.other.choose": "Person wählen",
  "assign.other.none": "Kein Konto hier führt Untersuchungen durch, und noch niemand hat eine übernommen.",
  "assign.other.missing": "Wählen Sie, wer sie durchführt.",
  "assign.other.action": "Zuteilen",
  "assign.other.from": "Bisher ist {name} zuständig und wäre es dann nicht mehr.",
  "assign.taken": "Sie führen die Untersuchung durch.",
  "assign.given": "{name} führt die Untersuchung durch.",
  "assign.given_back": "Für die Untersuchung ist niemand mehr zuständig.",
  "assign.all": "Alle",
  "assign.me": "Ich",
  "assign.free": "Niemand",
  "problem.order_assigned": "Für diese Untersuchung ist schon jemand anderes zuständig.",
  "problem.person_unknown": "Diese Person ist hier nicht bekannt.",
};
