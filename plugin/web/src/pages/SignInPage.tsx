import { Navigate, useLocation } from "react-router-dom";
import { isRecord } from "../api/errors";
import { SignInForm } from "../signin/SignInForm";
import { useSession } from "../auth/useSession";
import { Brand } from "../components/Brand";
import { t } from "../i18n";

export function SignInPage() {
  const session = useSession();
  const { state } = useLocation() as { state: unknown };
  if (session.kind === "active" || session.kind === "new_password") {
    const from = isRecord(state) && typeof state.from === "string" ? state.from : "/";
    return <Navigate to={from} replace />;
  }
  return (
    <main id="content" className="sign-in">
      <title>{t("app.title", { page: t("sign_in.title") })}</title>
      <div className="sign-in-card">
        <Brand />
        <div>
          <h1>{t("sign_in.title")}</h1>
          <p className="muted">{t("sign_in.lead")}</p>
        </div>
        <SignInForm />
      </div>
    </main>
  );
}
