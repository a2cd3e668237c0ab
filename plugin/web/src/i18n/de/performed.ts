import type { performed as english } from "../en/performed";
import type { Translation } from "../translation";

export const performed: Translation<typeof english> = {
  "performed.title": "Was das Gerät gemeldet hat",
  "performed.waiting": "Meldungen von Geräten, bei denen etwas fehlt",
  "performed.status.in_progress": "In Arbeit",
  "performed.status.completed": "Abgeschlossen",
  "performed.status.discontinued": "Abgebrochen",
  "performed.count.missing": "Bilder: {made} nach Angabe des Geräts, {here} hier.",
  "performed.no_order": "Es ist nicht sicher, um welchen Auftrag es sich handelt. Ordnen Sie die Studie einem Auftrag zu; die Meldung folgt ihr.",
  "performed.reason": "Grund: {reason}",
  "performed.closed": "Erledigt von {by}, {at}: {reason}",
  "performed.close": "Es kommt nichts mehr",
  "performed.close.label": "Zur Meldung von {title}, {when}, kommt nichts mehr",
  "performed.close.title": "Kommt hierzu nichts mehr?",
  "performed.close.text": "Auf fehlende Bilder wird nicht mehr gewartet. Ein Auftrag, der noch in Arbeit ist und keine Bilder hat, wartet wieder.",
  "performed.close.done": "Zu dieser Meldung wird nichts mehr erwartet.",
};
