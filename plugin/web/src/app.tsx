import { useEffect } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router-dom";
import { useRefreshAfterUpload } from "./api/queries";
import { RequireSession } from "./auth/RequireSession";
import { Layout } from "./pages/Layout";
import { NotFoundPage } from "./pages/NotFoundPage";
import { OrderPage } from "./pages/OrderPage";
import { OrdersPage } from "./pages/OrdersPage";
import { SignInPage } from "./pages/SignInPage";
import { StudiesPage } from "./pages/StudiesPage";
import { useServices } from "./services";

export function App() {
  useRefreshWhenUploaded();
  return (
    <BrowserRouter basename={import.meta.env.BASE_URL.replace(/\/$/, "")}>
      <Routes>
        <Route path="/sign-in" element={<SignInPage />} />
        <Route
          element={
            <RequireSession>
              <Layout />
            </RequireSession>
          }
        >
          <Route index element={<Navigate to="/orders" replace />} />
          <Route path="/orders" element={<OrdersPage />} />
          <Route path="/orders/:id" element={<OrderPage />} />
          <Route path="/studies" element={<StudiesPage />} />
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}

/** Wherever the user is when an upload ends, what they see next is up to date. */
function useRefreshWhenUploaded(): void {
  const { uploads } = useServices();
  const refresh = useRefreshAfterUpload();
  useEffect(() => uploads.onFinished(({ orderId }) => refresh(orderId)), [uploads, refresh]);
}
