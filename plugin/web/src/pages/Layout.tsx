import { useState } from "react";
import { NavLink, Outlet, useLocation } from "react-router-dom";
import { useCurrentUser } from "../auth/permissions";
import { useSignOut } from "../auth/useSignOut";
import { Brand } from "../components/Brand";
import { Dialog } from "../components/Dialog";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { ToastProvider } from "../components/Toast";
import { t, word } from "../i18n";
import { UploadStrips } from "../upload/UploadStrip";
import { useLeaveWarning, useRunningUploads } from "../upload/useUploader";

/** The frame of every page behind sign-in. */
export function Layout() {
  useLeaveWarning();
  const { pathname } = useLocation();
  return (
    <ToastProvider>
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      <header className="top">
        <div className="top-inner">
          <Brand />
          <nav aria-label={t("nav.label")}>
            <NavLink to="/orders">{t("nav.orders")}</NavLink>
            <NavLink to="/studies">{t("nav.studies")}</NavLink>
          </nav>
          <Account />
        </div>
      </header>
      <UploadStrips />
      <ErrorBoundary key={pathname}>
        <Outlet />
      </ErrorBoundary>
    </ToastProvider>
  );
}

function Account() {
  const me = useCurrentUser();
  const signOut = useSignOut();
  const running = useRunningUploads().length > 0;
  const [asking, setAsking] = useState(false);
  return (
    <div className="account">
      <span className="account-name">
        <span className="visually-hidden">{t("nav.signed_in_as", { name: "" })}</span>
        <bdi>{me.name || me.subject}</bdi>
        <span className="muted account-role">{me.roles.map((role) => word("role", role)).join(", ")}</span>
      </span>
      <button type="button" className="button button-small" onClick={() => (running ? setAsking(true) : signOut())}>
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
