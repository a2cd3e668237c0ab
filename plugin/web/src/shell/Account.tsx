import { useState } from "react";
import { Link } from "react-router-dom";
import { useApi } from "../api/context";
import { useCurrentUser } from "../auth/permissions";
import { useSession } from "../auth/useSession";
import { useSignOut } from "../signin/useSignOut";
import { Dialog } from "../components/Dialog";
import { Icon } from "../components/Icon";
import { t, word } from "../i18n";
import { useUploading } from "../upload/useUpload";
import { Preferences } from "./Preferences";

/** Who is signed in, how they like the page, and the way out. */
export function Account() {
  const me = useCurrentUser();
  const { session } = useApi();
  const state = useSession();
  // Their password is the EHR's.
  const isLaunched = "launched" in state && state.launched;
  const signOut = useSignOut();
  const uploading = useUploading();
  const [asking, setAsking] = useState(false);
  return (
    <div className="account">
      <Preferences />
      <p className="account-name">
        <span className="visually-hidden">{t("nav.signed_in_as", { name: "" })}</span>
        <bdi>{me.name || me.subject}</bdi>
        <span className="muted small">{me.roles.map((role) => word("role", role)).join(", ")}</span>
      </p>
      <button type="button" className="button button-small" title={t("lock.now.title")} onClick={() => session.lock()}>
        <Icon name="lock" />
        {t("lock.now")}
      </button>
      {!isLaunched && (
        <Link className="button button-small" to="/password">
          {t("nav.password")}
        </Link>
      )}
      <button type="button" className="button button-small" onClick={() => (uploading ? setAsking(true) : signOut())}>
        {t("nav.sign_out")}
      </button>
      {asking && (
        <Dialog title={t("sign_out.confirm.title")} onClose={() => setAsking(false)}>
          <p>{t("sign_out.confirm.text")}</p>
          <div className="actions">
            <button type="button" className="button" onClick={() => setAsking(false)}>
              {t("sign_out.confirm.no")}
            </button>
            <button type="button" className="button button-danger" onClick={signOut}>
              {t("sign_out.confirm.yes")}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
