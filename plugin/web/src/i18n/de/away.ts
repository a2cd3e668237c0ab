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
  "print.page": "Drucken",
  "labels.open": "Etiketten drucken",
  "labels.title": "Etiketten drucken",
  "labels.print": "Etiketten drucken",
  "labels.kind": "Etikett für",
  "labels.kind.patient": "Den Patienten (Armband, Akte)",
  "labels.kind.order": "Den Auftrag",
  "labels.kind.specimen": "Eine Probe",
  "labels.size": "Größe",
  "labels.size.62x29": "62 × 29 mm",
  "labels.size.57x32": "57 × 32 mm",
  "labels.size.100x50": "100 × 50 mm",
  "labels.size.a4": "A4-Bogen, 3 × 8",
  "labels.copies": "Exemplare",
  "labels.check": "Vergleichen Sie Name und Geburtsdatum mit dem Patienten, bevor Sie ein Etikett aufkleben. Der Druck wird festgehalten.",
  "labels.no_birth_date": "Geburtsdatum unbekannt",
  "problem.too_many_rows": "Die Liste ist zu lang für eine Tabelle: höchstens 100.000 Zeilen. Schränken Sie sie ein, etwa nach Datum, und speichern Sie sie in Teilen.",
  "problem.busy": "Der Server ist mit anderen solchen Anfragen beschäftigt. Versuchen Sie es in einer Minute noch einmal.",
};
