import { Suspense, useState } from "react";
import { Outlet, useLocation } from "react-router-dom";
import { useLive } from "../api/live";
import { useMay } from "../auth/permissions";
import { isOfVisit, useVisit } from "../auth/visit";
import { Brand } from "../components/Brand";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { Icon } from "../components/Icon";
import { PageLoading } from "../components/Page";
import { RestrictedContext } from "../components/restricted";
import { ShortcutsProvider } from "../components/Shortcuts";
import { ToastProvider } from "../components/Toast";
import { t } from "../i18n";
import { Restricted } from "../privacy/Restricted";
import { UploadStrip } from "../upload/UploadStrip";
import { useLeaveWarning } from "../upload/useUpload";
import { Account } from "./Account";
import { LockKey } from "./LockKey";
import { Menu } from "./Menu";
import { NotOfVisit } from "./NotOfVisit";
import { Navigation } from "./Navigation";
import { usePrintNote } from "./usePrintNote";

/** The frame of every page behind sign-in: the places at the side, or behind a button where there is no room. */
export function Layout() {
  useLeaveWarning();
  useLive(useMay("read"));
  const { pathname } = useLocation();
  const visit = useVisit();
  usePrintNote(pathname);
  const [menuOpen, setMenuOpen] = useState(false);
  // Images need the room more than the places do; Close leads back to them.
  const bare = pathname.startsWith("/view/") || pathname.startsWith("/reports/");
  return (
    <ShortcutsProvider>
    <ToastProvider>
      <LockKey />
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      <div className={bare ? "shell shell-bare" : "shell"}>
        <aside className="side">
          <Brand />
          <Navigation />
          <Account />
        </aside>
        <header className="top">
          <Brand />
          <button type="button" className="button button-small" aria-haspopup="dialog" onClick={() => setMenuOpen(true)}>
            <Icon name="menu" />
            {t("nav.menu")}
          </button>
        </header>
        {menuOpen && <Menu onClose={() => setMenuOpen(false)} />}
        <div className="stage">
          <UploadStrip />
          <RestrictedContext value={Restricted}>
            <ErrorBoundary key={pathname}>
              <Suspense fallback={<PageLoading />}>
                {visit && !isOfVisit(pathname) ? <NotOfVisit to={visit} /> : <Outlet />}
              </Suspense>
            </ErrorBoundary>
          </RestrictedContext>
        </div>
      </div>
    </ToastProvider>
    </ShortcutsProvider>
  );
}
