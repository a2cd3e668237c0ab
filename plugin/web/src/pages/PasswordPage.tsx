import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { useApi } from "../api/context";
import { useChangePassword } from "../api/queries";
import { SHORTEST_PASSWORD } from "../accounts/roles";
import { Blank } from "../components/Blank";
import { BusyButton } from "../components/BusyButton";
import { TextField } from "../components/TextField";
import { useSession } from "../auth/useSession";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

/** Another password of one's own; every session of the account ends, and a new one begins. */
export function PasswordPage() {
  const { session } = useApi();
  const signedIn = useSession();
  const change = useChangePassword(session.token() ?? "", signedIn.kind === "none" ? "" : signedIn.username);
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
  if ("launched" in signedIn && signedIn.launched) {
    return (
      <Page title={t("password.title")}>
        <Blank icon="lock" title={t("visit.password.title")} text={t("visit.password.text")} />
      </Page>
    );
  }
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
          <BusyButton className="button button-primary" busy={change.isPending}>
            {t("password.action")}
          </BusyButton>
        </div>
      </form>
    </Page>
  );
}
