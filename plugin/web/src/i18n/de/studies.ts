import type { studies as english } from "../en/studies";
import type { Translation } from "../translation";

export const studies: Translation<typeof english> = {
  "studies.title": "Studien",
  "studies.lead": "Was das Archiv enthält.",
  "studies.filters": "Studie suchen",
  "studies.link": "Zuordnung",
  "studies.link.all": "Alle",
  "studies.list": "Studien",
  "studies.found": { one: "{count} Studie", other: "{count} Studien" },
  "studies.empty.title": "Noch keine Studien",
  "studies.empty.text": "Öffnen Sie einen Auftrag und laden Sie seine Bilder hoch, oder senden Sie sie vom Gerät.",
  "studies.empty.action": "Zu den Aufträgen",
  "studies.none.title": "Keine Studie passt",
  "studies.none.text": "Wählen Sie eine andere Art der Zuordnung, oder zeigen Sie alle.",
  "studies.none.action": "Alle Studien zeigen",
  "studies.untitled": "Ohne Beschreibung",

  "study.link.linked": "Zugeordnet",
  "study.link.unlinked": "Nicht zugeordnet",
  "study.link.ambiguous": "Zu entscheiden",
};
