/** The one moment in which link and PIN can be read. Escape does not close it: they cannot be shown again. */
import { useId, useState } from "react";
import type { MadeShare } from "../api/shares";
import { Dialog } from "../components/Dialog";
import { SelectField } from "../components/Fields";
import { Notice } from "../components/Notice";
import { currentLanguage, t } from "../i18n";
import { mailText, type MailLanguage } from "./mail";

export function MadeDialog({ made, pin, onClose }: { made: MadeShare; pin: string | null; onClose: () => void }) {
  const id = useId();
  const [language, setLanguage] = useState<MailLanguage>(currentLanguage() === "de" ? "de" : "en");
  const [copied, setCopied] = useState("");
  const mail = mailText(language, made.url, made.share.expires_at, pin !== null);
  const copy = (text: string, said: string) => {
    // Where the browser forbids it (no HTTPS), it can still be marked and copied by hand.
    navigator.clipboard?.writeText(text).then(
      () => setCopied(said),
      () => setCopied(""),
    );
  };
  return (
    <Dialog title={t("sharing.made")} wide>
      <Notice kind="warn">
        <p>{t("sharing.made.text")}</p>
      </Notice>
      <div className="share-made">
        <div className="stack">
          <div className="field">
            <label htmlFor={`${id}-link`}>{t("sharing.link")}</label>
            <input id={`${id}-link`} className="mono" readOnly value={made.url} onFocus={(event) => event.target.select()} />
          </div>
          <SelectField
            label={t("sharing.mail.language")}
            value={language}
            options={[
              { value: "en", label: "English" },
              { value: "de", label: "Deutsch" },
            ]}
            onChange={(value) => setLanguage(value as MailLanguage)}
          />
          <div className="field">
            <label htmlFor={`${id}-mail`}>{t("sharing.mail")}</label>
            <textarea id={`${id}-mail`} lang={language} rows={9} readOnly value={mail} onFocus={(event) => event.target.select()} />
          </div>
        </div>
        <div className="stack">
          <img className="share-code" src={made.qr_code} alt={t("sharing.qr")} width={180} height={180} />
          {pin !== null && (
            <div>
              <p className="small muted">{t("sharing.pin.tell")}</p>
              <p className="share-pin number">{pin}</p>
            </div>
          )}
        </div>
      </div>
      <p role="status" className="small muted">
        {copied}
      </p>
      <div className="actions actions-end">
        <button type="button" className="button" onClick={() => copy(made.url, t("sharing.link.copied"))}>
          {t("sharing.link.copy")}
        </button>
        <button type="button" className="button" onClick={() => copy(mail, t("sharing.mail.copied"))}>
          {t("sharing.mail.copy")}
        </button>
        <button type="button" className="button button-primary" onClick={onClose}>
          {t("sharing.made.done")}
        </button>
      </div>
    </Dialog>
  );
}
