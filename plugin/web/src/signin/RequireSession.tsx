/** Shows its children to a signed-in user; keeps them, hidden, while a session has ended. */
import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router-dom";
import { useMe } from "../api/queries";
import { ErrorState } from "../components/ErrorState";
import { Brand } from "../components/Brand";
import { t } from "../i18n";
import { NewPassword } from "./NewPassword";
import { MeContext } from "../auth/permissions";
import { SignInAgain } from "./SignInAgain";
import { useSession, useSessionClock } from "../auth/useSession";

export function RequireSession({ children }: { children: ReactNode }) {
  const session = useSession();
  const location = useLocation();
  useSessionClock();
  if (session.kind === "none") {
    // Whoever signs in next after a sign-out is not led to the last user's page.
    return <Navigate to="/sign-in" replace state={session.signedOut ? null : { from: location.pathname + location.search }} />;
  }
  if (session.kind === "new_password") return <NewPassword token={session.token} username={session.username} />;
  return (
    <>
      <div className={session.kind === "ended" ? "locked" : "unlocked"}>
        <WithUser>{children}</WithUser>
      </div>
      {session.kind === "ended" && <SignInAgain username={session.username} launched={session.launched} />}
    </>
  );
}

function WithUser({ children }: { children: ReactNode }) {
  const me = useMe();
  if (me.data) return <MeContext value={me.data}>{children}</MeContext>;
  return (
    <main className="lone">
      <Brand />
      {me.error ? (
        <ErrorState error={me.error} onRetry={() => void me.refetch()} />
      ) : (
        <p role="status">{t("app.loading")}</p>
      )}
    </main>
  );
}
