import { Dialog } from "../components/Dialog";
import { t } from "../i18n";
import { SignInForm } from "./SignInForm";
import { useCoveredTitle } from "./useCoveredTitle";
import { useSignOut } from "./useSignOut";

/** Over the hidden page: its user signs in again and goes on, or leaves it to somebody else. */
export function SignInAgain({ username, launched }: { username: string; launched: boolean }) {
  const signOut = useSignOut();
  useCoveredTitle(t("app.title", { page: t("sign_in.again.title") }));
  return (
    <Dialog title={t("sign_in.again.title")}>
      <p className="muted">{t(launched ? "sign_in.again.launched" : "sign_in.again.text")}</p>
      {username && <SignInForm fixedUsername={username} />}
      <button type="button" className="button" onClick={signOut}>
        {t("sign_in.again.other")}
      </button>
    </Dialog>
  );
}
