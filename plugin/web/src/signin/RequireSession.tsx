/** Shows its children to a signed-in user; keeps them, hidden, while a session has ended. */
import { useContext, useEffect, type ReactNode } from "react";
import { Navigate, useLocation } from "react-router-dom";
import { useApi } from "../api/context";
import { useMe } from "../api/queries";
import type { Me } from "../api/types";
import { ErrorState } from "../components/ErrorState";
import { Brand } from "../components/Brand";
import { CoveredContext } from "../components/covered";
import { t } from "../i18n";
import { NewPassword } from "./NewPassword";
import { DeskContext } from "../auth/desk";
import { MeContext } from "../auth/permissions";
import { LockedCover } from "./LockedCover";
import { SignInAgain } from "./SignInAgain";
import { useCoveredKeys } from "./useCoveredKeys";
import { useSession, useSessionClock } from "../auth/useSession";

export function RequireSession({ children }: { children: ReactNode }) {
  const session = useSession();
  const location = useLocation();
  const isCovered = session.kind === "locked" || session.kind === "ended";
  useSessionClock();
  useCoveredKeys(isCovered);
  if (session.kind === "none") {
    // Whoever signs in next after a sign-out is not led to the last user's page.
    return <Navigate to="/sign-in" replace state={session.signedOut ? null : { from: location.pathname + location.search }} />;
  }
  if (session.kind === "new_password") return <NewPassword token={session.token} username={session.username} />;
  // After a reload there is nothing to go on with: nothing is asked, nothing is shown.
  const isEmpty = session.kind === "locked" && session.held === null && session.next === null;
  return (
    <>
      <div className={isCovered ? "locked" : "unlocked"} inert={isCovered} aria-hidden={isCovered}>
        <CoveredContext value={isCovered}>{!isEmpty && <WithUser>{children}</WithUser>}</CoveredContext>
      </div>
      {session.kind === "locked" && <LockedCover state={session} />}
      {session.kind === "ended" && <SignInAgain username={session.username} launched={session.launched} />}
    </>
  );
}

function WithUser({ children }: { children: ReactNode }) {
  const me = useMe();
  useDesk(me.data);
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

/** The server says after how many minutes without work the pages are locked; a person it knows may go on where they were. */
function useDesk(me: Me | undefined): void {
  const desk = useContext(DeskContext);
  const session = useSession();
  const { session: own } = useApi();
  // Not one that was found in this tab, by Back or "reopen closed tab": that proves nothing.
  const isLaunched = session.kind === "active" && session.launched && own.isProved();
  useEffect(() => {
    if (me) desk?.idle.set(me.lock_after_minutes);
  }, [desk, me]);
  useEffect(() => {
    if (me && isLaunched) desk?.tabs.launched(me.subject);
  }, [desk, me, isLaunched]);
  useEffect(() => {
    if (session.kind === "active") desk?.idle.begin();
  }, [desk, session.kind]);
}
