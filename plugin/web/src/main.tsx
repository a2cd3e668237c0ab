/** The composition root: builds the few long-lived objects and hands them to the pages. */
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "./api/client";
import { ApiContext } from "./api/context";
import { createQueryClient } from "./api/queries";
import { Session, tabStorage } from "./api/session";
import { App } from "./app";
import { DeskContext } from "./auth/desk";
import { Idle, lastUse, watchWork } from "./auth/idle";
import { openChannel, Tabs } from "./auth/tabs";
import { ErrorBoundary } from "./components/ErrorBoundary";
import { setLanguage } from "./i18n";
import { chosenLanguage } from "./i18n/languages";
import { LaunchContext } from "./launch/context";
import { claimsOf, takeLaunch } from "./launch/launched";
import { fetchPage, fetchPages } from "./pages";
import { keptLanguage, keptTheme, showTheme } from "./preferences";
import { UploadContext } from "./upload/context";
import { UploadDesk } from "./upload/desk";
import { newUploadId } from "./upload/id";
import { createLookUp } from "./upload/known/lookUp";
import { openHasher } from "./upload/known/open";
import { openReader } from "./upload/read/open";
import { sendFile } from "./upload/transport";
import { Uploader } from "./upload/uploader";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/remarks.css";
import "./styles/shell.css";
import "./styles/layout.css";
import "./styles/overlay.css";
import "./styles/data.css";
import "./styles/filters.css";
import "./styles/dates.css";
import "./styles/upload.css";
import "./styles/person.css";
import "./styles/review.css";
import "./styles/result.css";
import "./styles/records.css";
import "./styles/reconciliation.css";
import "./styles/desk.css";
import "./styles/day.css";
import "./styles/reading.css";
import "./styles/chart.css";
import "./styles/away.css";
import "./styles/print.css";
import "./styles/sharing.css";

/** Until then a slow connection has the first page to fetch, and what is in it. */
const OTHER_PAGES_AFTER_MS = 3_000;

const store = tabStorage();
const session = new Session(store);
const last = lastUse(store);
const client = createQueryClient();
const { token, target } = takeLaunch(window) ?? { token: null, target: null };
const tabs: Tabs = new Tabs({
  session,
  shared: window.top === window ? openChannel("session") : null,
  desk: openChannel("desk"),
  onAdopted: () => void client.invalidateQueries(),
  onSignedOut: () => {
    uploader.forget();
    desk.forget();
    client.clear();
  },
  onUsed: () => idle.usedElsewhere(),
  usedAt: last?.usedAt,
});
if (last && last.lockAt <= Date.now()) session.lockFound(last.lockAt);
if (token) {
  const { expiresAt, subject } = claimsOf(token);
  session.begin({ token, expires_at: expiresAt }, subject, true);
}
const later = (ms: number, call: () => void) => {
  const timer = window.setTimeout(call, ms);
  return () => window.clearTimeout(timer);
};
const idle = new Idle({ now: Date.now, later, onIdle: () => session.lock(), tell: () => tabs.used(), store });
watchWork(idle);
const ask = createClient(session);
const lookUp = createLookUp(ask, openHasher());
const uploader = new Uploader({ send: sendFile, lookUp, session, newId: newUploadId, now: Date.now, later });
const desk = new UploadDesk({
  openReader,
  later,
  pictureUrl: (picture) => URL.createObjectURL(picture),
  dropUrl: (url) => URL.revokeObjectURL(url),
});
// The connection is back: no reason to wait out the pause.
window.addEventListener("online", () => uploader.online());

const page = window.location.pathname.slice(import.meta.env.BASE_URL.length - 1);
// Who comes from outside, perhaps with a phone, sees one page.
if (page !== "/share") {
  fetchPage(page);
  later(OTHER_PAGES_AFTER_MS, fetchPages);
}
showTheme(keptTheme());
// Words that cannot be loaded (the server is being updated) are no reason to show nothing.
await Promise.all([setLanguage(chosenLanguage(keptLanguage(), navigator.languages)).catch(() => {}), tabs.ask()]);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ErrorBoundary>
      <QueryClientProvider client={client}>
        <ApiContext value={{ ask, session }}>
          <DeskContext value={{ idle, tabs }}>
            <LaunchContext value={target}>
              <UploadContext value={{ desk, uploader }}>
                <App />
              </UploadContext>
            </LaunchContext>
          </DeskContext>
        </ApiContext>
      </QueryClientProvider>
    </ErrorBoundary>
  </StrictMode>,
);
