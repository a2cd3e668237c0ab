import type { Translation } from "../translation";
import type { lock as english } from "../en/lock";

export const lock: Translation<typeof english> = {
  "lock.title": "Gesperrt",
  "lock.text": "{name}, geben Sie Ihr Passwort ein, um weiterzuarbeiten. Was Sie eingegeben haben, bleibt erhalten, und Uploads laufen weiter.",
  "lock.launched": "Öffnen Sie diese Seite noch einmal aus der Patientenakte: Dieser Tab macht dann dort weiter, wo er war. Eingegebenes bleibt erhalten, und Uploads laufen weiter.",
  "lock.unlock": "Entsperren",
  "lock.somebody_else": "Jemand anders meldet sich an",
  "lock.somebody_else.hint": "Was {name} in diesem Tab eingegeben und nicht gespeichert hat, wird dann verworfen. Niemand sonst bekommt es zu sehen.",
  "lock.somebody_else.uploading": "Aus diesem Tab werden noch Dateien von {name} gesendet: Der Rest wird dann nicht gesendet, und was eingegeben und nicht gespeichert ist, wird verworfen.",
  "lock.other.title": "{name} hat sich in einem anderen Tab angemeldet",
  "lock.other.text": "Dieser Tab gehörte {name} und bleibt verborgen, bis {name} sich wieder anmeldet. {other} macht mit einer neuen Seite weiter: Was {name} hier eingegeben und nicht gespeichert hat, wird dann verworfen.",
  "lock.other.go_on": "Weiter als {name}",
  "lock.other.back": "Wieder als {name} anmelden",
  "lock.now": "Sperren",
  "lock.now.title": "Alle Tabs sperren (Umschalt+L)",
  "lock.now.shortcut": "Alle Tabs sperren, bis Sie Ihr Passwort eingeben",

  "visit.label": "Aus der Patientenakte",
  "visit.back": "Was die Patientenakte geöffnet hat",
  "visit.other.title": "Dieser Tab wurde aus der Patientenakte für einen Patienten geöffnet",
  "visit.other.text": "Listen und Einstellungen gehören nicht dazu. Wer hier ein eigenes Konto hat, sieht sie nach der Anmeldung.",
  "visit.password.title": "Ihr Passwort wird nicht hier verwaltet",
  "visit.password.text": "Die Patientenakte hat Sie angemeldet. Ändern Sie Ihr Passwort dort.",
};
