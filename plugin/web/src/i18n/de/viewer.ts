import type { viewer as english } from "../en/viewer";
import type { Translation } from "../translation";

export const viewer: Translation<typeof english> = {
  "view.action": "Ansehen",
  "view.what": "{what}, {patient}",
  "view.label": "Bilder ansehen: {what}",
  "view.no_permission": "Ihr Konto darf keine Bilder ansehen.",

  "viewer.title": "Bilder",
  "viewer.opening": "Der Viewer wird geöffnet…",
  "viewer.frame": "Bild-Viewer",
  "viewer.close": "Schließen",
  "viewer.elsewhere": "Viewer in neuem Tab öffnen",
  "viewer.tab": "Neuer Tab",
  "viewer.tab.opened": "Die Bilder wurden in einem neuen Tab geöffnet.",
  "viewer.tab.again": "Kein Tab? Hier öffnen",
  "viewer.beside": "Vergleichen mit",
  "viewer.beside.none": "Nichts",
  "viewer.beside.priors": "Frühere Studien",
  "viewer.beside.other": "Eine andere Studie",
  "viewer.doubt.title": "Es ist nicht sicher, von wem diese Bilder sind",
  "viewer.doubt": "Einige sind vielleicht von einer anderen Person, und der Viewer zeigt vielleicht nur einen Teil oder nichts. Befunden Sie sie nicht, bevor das entschieden ist.",
  "viewer.doubt.decide": "Entscheiden, von wem sie sind",
  "viewer.doubt.ask": "Das entscheidet eine MTR unter „Zuordnung“.",
};
