import type { away as english } from "../en/away";
import type { Translation } from "../translation";

export const away: Translation<typeof english> = {
  "away.save": "Als CSV speichern",
  "away.making": "Der Server stellt die Tabelle zusammen. Bei einer langen Liste dauert das eine halbe Minute.",
  "away.coming": "{size} sind da.",
  "away.saved": {
    one: "Als {name} gespeichert: {count} Zeile. Geschützte Patienten sind nie darin.",
    other: "Als {name} gespeichert: {count} Zeilen. Geschützte Patienten sind nie darin.",
  },
  "problem.too_many_rows": "Die Liste ist zu lang für eine Tabelle: höchstens 100.000 Zeilen. Schränken Sie sie ein, etwa nach Datum, und speichern Sie sie in Teilen.",
  "problem.busy": "Der Server ist mit anderen solchen Anfragen beschäftigt. Versuchen Sie es in einer Minute noch einmal.",
};
