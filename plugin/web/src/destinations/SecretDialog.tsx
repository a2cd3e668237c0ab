import { Dialog } from "../components/Dialog";
import { Notice } from "../components/Notice";
import { t } from "../i18n";

/** The one moment the secret can be read. Escape does not close it: it cannot be shown again. */
export function SecretDialog({ name, secret, isRenewed, onClose }: { name: string; secret: string; isRenewed: boolean; onClose: () => void }) {
  return (
    <Dialog title={t("destinations.secret.title", { name })}>
      <Notice kind="warn">
        <p>{t(isRenewed ? "destinations.secret.renewed" : "destinations.secret.once")}</p>
      </Notice>
      <div className="field">
        <label htmlFor="new-secret">{t("destinations.secret")}</label>
        <input id="new-secret" className="mono" readOnly value={secret} onFocus={(event) => event.target.select()} />
      </div>
      <div className="actions actions-end">
        <button type="button" className="button button-primary" onClick={onClose}>
          {t("keys.once.done")}
        </button>
      </div>
    </Dialog>
  );
}
