import type { workdesk as english } from "../en/workdesk";
import type { Translation } from "../translation";

export const workdesk: Translation<typeof english> = {
  "desk.last": "Die Entscheidung davor",
  "desk.last.show": "Zeigen",
  "desk.last.close": "Die Entscheidung davor schließen",
  "desk.back": "Alle Wartenden",
  "desk.order.create": "Auftrag anlegen…",
  "desk.order.from_images": "Der Auftrag, soweit die Bilder ihn nennen",
  "desk.order.accession.hint": "Leer: Hier wird eine Nummer vergeben",
  "desk.count.part": "{shown} von {total} Studien",
  "desk.count": { one: "{count} Studie", other: "{count} Studien" },
};
