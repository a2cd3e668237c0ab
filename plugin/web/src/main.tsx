/** The composition root: builds the few long-lived objects and hands them to the pages. */
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "./api/client";
import { createQueryClient } from "./api/queries";
import { App } from "./app";
import { Session, tabStorage } from "./auth/session";
import { ErrorBoundary } from "./components/ErrorBoundary";
import { setLanguage } from "./i18n";
import { chosenLanguage } from "./i18n/languages";
import { keptLanguage, keptTheme, showTheme } from "./preferences";
import { ServicesContext, type Services } from "./services";
import { UploadCenter } from "./upload/center";
import { newUploadId } from "./upload/id";
import { sendFile } from "./upload/transport";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/remarks.css";
import "./styles/shell.css";
import "./styles/layout.css";
import "./styles/overlay.css";
import "./styles/data.css";
import "./styles/upload.css";
import "./styles/result.css";
import "./styles/records.css";
import "./styles/reconciliation.css";

const session = new Session(tabStorage());
const uploads = new UploadCenter({
  send: sendFile,
  session,
  newId: newUploadId,
  now: Date.now,
  later: (ms, call) => {
    const timer = window.setTimeout(call, ms);
    return () => window.clearTimeout(timer);
  },
});
const services: Services = { ask: createClient(session), session, uploads };

showTheme(keptTheme());
// Words that cannot be loaded (the server is being updated) are no reason to show nothing.
await setLanguage(chosenLanguage(keptLanguage(), navigator.languages)).catch(() => {});
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ErrorBoundary>
      <QueryClientProvider client={createQueryClient()}>
        <ServicesContext value={services}>
          <App />
        </ServicesContext>
      </QueryClientProvider>
    </ErrorBoundary>
  </StrictMode>,
);
