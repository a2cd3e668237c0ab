import { lazy, useEffect, useSyncExternalStore } from "react";
import { BrowserRouter, Route, Routes } from "react-router-dom";
import { useRefreshAfterUpload } from "./api/queries";
import { RequireSession } from "./auth/RequireSession";
import { currentLanguage, onLanguage } from "./i18n";
import { NotFoundPage } from "./pages/NotFoundPage";
import { SignInPage } from "./pages/SignInPage";
import { StartPage } from "./pages/StartPage";
import { useServices } from "./services";
import { Layout } from "./shell/Layout";

// Each page is a file of its own: a first visit loads the frame and one page.
const OrdersPage = lazy(async () => ({ default: (await import("./pages/OrdersPage")).OrdersPage }));
const OrderPage = lazy(async () => ({ default: (await import("./pages/OrderPage")).OrderPage }));
const UploadPage = lazy(async () => ({ default: (await import("./pages/UploadPage")).UploadPage }));
const LaunchPage = lazy(async () => ({ default: (await import("./pages/LaunchPage")).LaunchPage }));
const PatientPage = lazy(async () => ({ default: (await import("./pages/PatientPage")).PatientPage }));
const ViewerPage = lazy(async () => ({ default: (await import("./pages/ViewerPage")).ViewerPage }));
const StudiesPage = lazy(async () => ({ default: (await import("./pages/StudiesPage")).StudiesPage }));
const StudyPage = lazy(async () => ({ default: (await import("./pages/StudyPage")).StudyPage }));
const ReconciliationPage = lazy(async () => ({ default: (await import("./pages/ReconciliationPage")).ReconciliationPage }));
const UploadsPage = lazy(async () => ({ default: (await import("./pages/UploadsPage")).UploadsPage }));
const UploadLogPage = lazy(async () => ({ default: (await import("./pages/UploadLogPage")).UploadLogPage }));
const DeletionsPage = lazy(async () => ({ default: (await import("./pages/DeletionsPage")).DeletionsPage }));
const AuditPage = lazy(async () => ({ default: (await import("./pages/AuditPage")).AuditPage }));
const ViewerTokensPage = lazy(async () => ({ default: (await import("./pages/ViewerTokensPage")).ViewerTokensPage }));
const AccountsPage = lazy(async () => ({ default: (await import("./pages/AccountsPage")).AccountsPage }));
const ServiceKeysPage = lazy(async () => ({ default: (await import("./pages/ServiceKeysPage")).ServiceKeysPage }));
const SystemPage = lazy(async () => ({ default: (await import("./pages/SystemPage")).SystemPage }));
const PasswordPage = lazy(async () => ({ default: (await import("./pages/PasswordPage")).PasswordPage }));

export function App() {
  useRefreshWhenUploaded();
  const language = useSyncExternalStore(onLanguage, currentLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return (
    <BrowserRouter key={language} basename={import.meta.env.BASE_URL.replace(/\/$/, "")}>
      <Routes>
        <Route path="/sign-in" element={<SignInPage />} />
        <Route
          element={
            <RequireSession>
              <Layout />
            </RequireSession>
          }
        >
          <Route index element={<StartPage />} />
          <Route path="/upload" element={<UploadPage />} />
          <Route path="/orders" element={<OrdersPage />} />
          <Route path="/orders/:id" element={<OrderPage />} />
          <Route path="/view/:uid" element={<ViewerPage />} />
          <Route path="/patients/:id" element={<PatientPage />} />
          <Route path="/launch" element={<LaunchPage />} />
          <Route path="/studies" element={<StudiesPage />} />
          <Route path="/studies/:uid" element={<StudyPage />} />
          <Route path="/reconciliation" element={<ReconciliationPage />} />
          <Route path="/uploads" element={<UploadsPage />} />
          <Route path="/uploads/:id" element={<UploadLogPage />} />
          <Route path="/deletions" element={<DeletionsPage />} />
          <Route path="/audit" element={<AuditPage />} />
          <Route path="/viewer-links" element={<ViewerTokensPage />} />
          <Route path="/accounts" element={<AccountsPage />} />
          <Route path="/service-keys" element={<ServiceKeysPage />} />
          <Route path="/system" element={<SystemPage />} />
          <Route path="/password" element={<PasswordPage />} />
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}

/** Wherever the user is when an upload ends, what they see next is up to date. */
function useRefreshWhenUploaded(): void {
  const { uploader } = useServices();
  const refresh = useRefreshAfterUpload();
  useEffect(() => uploader.onFinished(refresh), [uploader, refresh]);
}
