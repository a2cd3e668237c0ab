import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import { BrowserRouter, Route, Routes } from "react-router-dom";
import { useRefreshAfterUpload } from "./api/queries";
import { RequireSession } from "./signin/RequireSession";
import { currentLanguage, onLanguage } from "./i18n";
import { LANGUAGES } from "./i18n/languages";
import { PAGES } from "./pages";
import { NotFoundPage } from "./pages/NotFoundPage";
import { SignInPage } from "./pages/SignInPage";
import { StartPage } from "./pages/StartPage";
import { Layout } from "./shell/Layout";
import { useUploadServices } from "./upload/context";

const SharePage = lazy(async () => ({ default: (await import("./pages/SharePage")).SharePage }));

export function App() {
  useRefreshWhenUploaded();
  const language = useSyncExternalStore(onLanguage, currentLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dir = LANGUAGES[language].direction;
  }, [language]);
  return (
    <BrowserRouter key={language} basename={import.meta.env.BASE_URL.replace(/\/$/, "")}>
      <Routes>
        <Route path="/sign-in" element={<SignInPage />} />
        <Route
          path="/share"
          element={
            <Suspense>
              <SharePage />
            </Suspense>
          }
        />
        <Route
          element={
            <RequireSession>
              <Layout />
            </RequireSession>
          }
        >
          <Route index element={<StartPage />} />
          {PAGES.map(({ path, Page }) => (
            <Route key={path} path={path} element={<Page />} />
          ))}
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}

/** Wherever the user is when an upload ends, what they see next is up to date. */
function useRefreshWhenUploaded(): void {
  const { uploader } = useUploadServices();
  const refresh = useRefreshAfterUpload();
  useEffect(() => uploader.onFinished(refresh), [uploader, refresh]);
}
