/**
 * The text that goes with a link: in the reader's language, whatever that of the page is. It names neither the patient nor
 * the PIN: a mail is read by others too.
 */
export type MailLanguage = "en" | "de";

const TEXTS: Readonly<Record<MailLanguage, { locale: string; text: (url: string, until: string, hasPin: boolean) => string[] }>> = {
  en: {
    locale: "en-GB",
    text: (url, until, hasPin) => [
      "Hello,",
      "with this link you can look at images of an examination and its signed report:",
      url,
      `It is good until ${until}.${hasPin ? " You will be asked for a PIN, which we tell you separately." : ""}`,
      "Please do not pass the link on: whoever has it can open it.",
    ],
  },
  de: {
    locale: "de-DE",
    text: (url, until, hasPin) => [
      "Guten Tag,",
      "mit diesem Link können Sie Bilder einer Untersuchung und den unterschriebenen Befund ansehen:",
      url,
      `Er gilt bis ${until}.${hasPin ? " Sie werden nach einer PIN gefragt, die wir Ihnen getrennt mitteilen." : ""}`,
      "Bitte geben Sie den Link nicht weiter: Wer ihn hat, kann ihn öffnen.",
    ],
  },
};

export function mailText(language: MailLanguage, url: string, expiresAt: string, hasPin: boolean): string {
  const { locale, text } = TEXTS[language];
  const until = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }).format(new Date(expiresAt));
  return text(url, until, hasPin).join("\n\n");
}
