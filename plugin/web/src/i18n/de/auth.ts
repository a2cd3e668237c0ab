import type { auth as english } from "../en/auth";
import type { Translation } from "../translation";

export const auth: Translation<typeof english> = {
  "sign_in.title": "Anmelden",
  "sign_in.lead": "Bildaufträge, Hochladen und Studien.",
  "sign_in.username": "Benutzername",
  "sign_in.password": "Passwort",
  "sign_in.show_password": "Passwort zeigen",
  "sign_in.submit": "Anmelden",
  "sign_in.busy": "Anmeldung läuft…",
  "sign_in.missing": "Geben Sie Benutzername und Passwort ein.",
  "sign_in.wrong": "Benutzername oder Passwort ist falsch.",
  "sign_in.again.title": "Ihre Sitzung ist beendet",
  "sign_in.again.text": "Melden Sie sich wieder an, um weiterzumachen. Ein laufendes Hochladen wartet auf Sie.",
  "sign_in.again.launched": "Öffnen Sie diese Seite noch einmal aus der Patientenakte, oder melden Sie sich hier mit Ihrem Passwort an, falls Sie eines haben.",
  "sign_in.again.other": "Anderes Konto verwenden",

  "sign_out.confirm.title": "Hochladen abbrechen und abmelden?",
  "sign_out.confirm.text": "Es werden noch Dateien gesendet. Gespeichertes bleibt gespeichert; der Rest wird nicht gesendet.",
  "sign_out.confirm.yes": "Abbrechen und abmelden",
  "sign_out.confirm.no": "Weiter hochladen",

  "launch.title": "Aus der Patientenakte geöffnet",
  "launch.unknown.title": "Die Anfrage der Patientenakte wurde nicht verstanden",
  "launch.unknown.text": "Sie nennt weder Studie noch Auftrag noch Patient, die geöffnet werden könnten. Sagen Sie es der Administration.",
};
