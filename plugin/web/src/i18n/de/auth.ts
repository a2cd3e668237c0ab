import type { auth as english } from "../en/auth";
import type { Translation } from "../translation";

export const auth: Translation<typeof english> = {
  "sign_in.title": "Anmelden",
  "sign_in.lead": "Bildgebung: Aufträge, Uploads und Studien.",
  "sign_in.username": "Benutzername",
  "sign_in.password": "Passwort",
  "sign_in.show_password": "Passwort zeigen",
  "sign_in.submit": "Anmelden",
  "sign_in.busy": "Anmeldung läuft…",
  "sign_in.missing": "Geben Sie Benutzername und Passwort ein.",
  "sign_in.wrong": "Benutzername oder Passwort ist falsch.",
  "sign_in.locked": { one: "Zu viele falsche Passwörter: Dieser Name ist noch {count} Minute gesperrt. Warten Sie, oder bitten Sie die Administration um ein neues Passwort.", other: "Zu viele falsche Passwörter: Dieser Name ist noch {count} Minuten gesperrt. Warten Sie, oder bitten Sie die Administration um ein neues Passwort." },
  "sign_in.limited": { one: "Zu viele Versuche. Versuchen Sie es in {count} Sekunde wieder.", other: "Zu viele Versuche. Versuchen Sie es in {count} Sekunden wieder." },
  "sign_in.again.title": "Ihre Sitzung ist beendet",
  "sign_in.again.text": "Melden Sie sich wieder an, um hier weiterzumachen. Ein laufender Upload wartet auf Sie.",
  "sign_in.again.launched": "Öffnen Sie diese Seite noch einmal aus dem KIS, oder melden Sie sich hier mit Ihrem Passwort an, falls Sie eines haben.",
  "sign_in.again.other": "Anderes Konto verwenden",

  "new_password.title": "Wählen Sie Ihr Passwort",
  "new_password.lead": "Sie sind als {name} angemeldet, mit einem Passwort, das jemand anderes gewählt hat. Wählen Sie eines, das nur Sie kennen.",
  "new_password.current": "Jetziges Passwort",
  "new_password.fresh": "Neues Passwort",
  "new_password.again": "Neues Passwort noch einmal",
  "new_password.hint": "Mindestens {count} Zeichen. Mehrere Wörter ergeben ein gutes Passwort.",
  "new_password.show": "Passwörter zeigen",
  "new_password.submit": "Passwort ändern und weiter",
  "new_password.busy": "Wird geändert…",
  "new_password.missing": "Füllen Sie alle drei Felder aus.",
  "new_password.short": "Das neue Passwort braucht mindestens {count} Zeichen.",
  "new_password.differs": "Die beiden neuen Passwörter sind verschieden. Geben Sie das neue noch einmal ein.",
  "new_password.unchanged": "Das neue Passwort ist das jetzige. Wählen Sie ein anderes.",
  "new_password.wrong": "Das jetzige Passwort ist falsch.",

  "sign_out.confirm.title": "Upload abbrechen und abmelden?",
  "sign_out.confirm.text": "Es werden noch Dateien gesendet. Gespeicherte Dateien bleiben gespeichert; die übrigen werden nicht gesendet.",
  "sign_out.confirm.yes": "Abbrechen und abmelden",
  "sign_out.confirm.no": "Weiter hochladen",

  "launch.title": "Aus dem KIS geöffnet",
  "launch.unknown.title": "Die Anfrage des KIS wurde nicht verstanden",
  "launch.unknown.text": "Sie nennt weder eine Studie noch einen Auftrag oder einen Patienten zum Öffnen. Sagen Sie es der Administration.",
};
