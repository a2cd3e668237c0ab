import type { corrections as english } from "../en/corrections";
import type { Translation } from "../translation";

export const corrections: Translation<typeof english> = {
  "date.open": "Kalender",
  "date.pattern": "TT.MM.JJJJ",
  "date.pattern.moment": "TT.MM.JJJJ HH:MM",
  "date.invalid": "Geben Sie es als {pattern} ein.",
  "date.month": "Monat",
  "date.year": "Jahr",
  "date.previous": "Voriger Monat",
  "date.next": "Nächster Monat",
  "correction.side.title": "Die Seite ändert sich: {before} wird {after}",
  "correction.side.text": "Eine falsche Seite führt zu einer falschen Operation. Vergleichen Sie Bilder, Auftrag und, wenn möglich, den Patienten. Bilder, die ihre Seite selbst nennen (Image Laterality), behalten sie.",
  "correction.side.confirm": "Ich habe es geprüft: Die Seite ist {side}",
  "correction.side.confirm_none": "Ich habe es geprüft: Diese Bilder haben keine Seite",
  "correction.side.missing": "Bestätigen Sie zuerst die Seite.",
  "correction.side.fixed": "Die Bilder nennen ihre Seite einzeln (Image Laterality). Das bleibt so.",
  "field.specific_character_set": "Zeichensatz",
};
