import type { viewer as english } from "../en/viewer";
import type { Translation } from "../translation";

export const viewer: Translation<typeof english> = {
  "view.action": "Ansehen",
  "view.what": "{what}, {patient}",
  "view.label": "Bilder ansehen: {what}",
  "view.busy": "Wird geöffnet…",
  "view.opened": "Die Bilder wurden in einem neuen Tab geöffnet.",
  "view.again": "Kein Tab? Hier öffnen",
  "view.forbidden": "Ihr Konto darf diese Bilder nicht ansehen.",
  "view.not_found": "Die Bilder sind nicht mehr im Archiv.",
  "view.failed": "Die Bilder konnten nicht geöffnet werden. Versuchen Sie es noch einmal.",
  "view.no_permission": "Ihr Konto darf keine Bilder ansehen.",
};
