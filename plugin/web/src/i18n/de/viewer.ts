import type { viewer as english } from "../en/viewer";
import type { Translation } from "../translation";

export const viewer: Translation<typeof english> = {
  "view.action": "Ansehen",
  "view.what": "{what}, {patient}",
  "view.label": "Bilder ansehen: {what}",
  "view.no_permission": "Ihr Konto darf keine Bilder ansehen.",

  "viewer.title": "Bilder",
  "viewer.opening": "Der Betrachter wird geöffnet…",
  "viewer.frame": "Bildbetrachter",
  "viewer.close": "Schließen",
  "viewer.elsewhere": "Betrachter in neuem Tab öffnen",
  "viewer.tab": "Neuer Tab",
  "viewer.tab.opened": "Die Bilder wurden in einem neuen Tab geöffnet.",
  "viewer.tab.again": "Kein Tab? Hier öffnen",
  "viewer.beside": "Daneben",
  "viewer.beside.none": "Nichts",
  "viewer.beside.priors": "Frühere Studien",
  "viewer.beside.other": "Eine andere Studie",
  "viewer.doubt.title": "Es ist nicht sicher, wessen Bilder das sind",
  "viewer.doubt": "Einige sind vielleicht von jemand anderem, und der Betrachter zeigt vielleicht nur einen Teil oder nichts. Befunden Sie nichts davon, bevor es entschieden ist.",
  "viewer.doubt.decide": "Entscheiden, wessen sie sind",
  "viewer.doubt.ask": "Das entscheidet eine MTR unter „Zuordnung“.",
};
