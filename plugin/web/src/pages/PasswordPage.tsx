import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { useChangePassword } from "../api/accounts";
import { SHORTEST_PASSWORD } from "../accounts/roles";
import { TextField } from "../accounts/TextField";
import { useCurrentUser } from "../auth/permissions";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

/** One's own password; who signed in with somebody else's choice of one has no roles and comes here first. */
export function PasswordPage() {
  const { roles } = useCurrentUser();
  const change = useChangePassword();
  const navigate = useNavigate();
  const say = useSay();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [isTried, setTried] = useState(false);
  const problems = {
    current: current ? null : t("password.current.missing"),
    next: next.length >= SHORTEST_PASSWORD ? null : t("accounts.password.hint", { count: SHORTEST_PASSWORD }),
    again: again === next ? null : t("password.again.other"),
  };
  const submit = () => {
    setTried(true);
    if (change.isPending || problems.current || problems.next || problems.again) return;
    change.mutate(
      { current_password: current, new_password: next },
      {
        onSuccess: () => {
          say({ text: t("password.done") });
          void navigate("/");
        },
      },
    );
  };
  return (
    <Page title={t("password.title")}>
      <form
        className="panel narrow"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {roles.length === 0 && (
          <Notice kind="info" title={t("password.first.title")}>
            <p>{t("password.first.text")}</p>
          </Notice>
        )}
        <TextField label={t("password.current")} type="password" autoComplete="current-password" maxLength={200} value={current} onChange={setCurrent} problem={isTried ? problems.current : null} />
        <TextField
          label={t("password.new")}
          type="password"
          autoComplete="new-password"
          maxLength={200}
          value={next}
          onChange={setNext}
          hint={t("accounts.password.hint", { count: SHORTEST_PASSWORD })}
          problem={isTried ? problems.next : null}
        />
        <TextField label={t("password.again")} type="password" autoComplete="new-password" maxLength={200} value={again} onChange={setAgain} problem={isTried ? problems.again : null} />
        <p className="small muted">{t("password.hint")}</p>
        <Problem error={change.error} />
        <div className="actions">
          <button type="submit" className="button button-primary" aria-disabled={change.isPending}>
            {change.isPending ? t("action.busy") : t("password.action")}
          </button>
        </div>
      </form>
    </Page>
  );
}
