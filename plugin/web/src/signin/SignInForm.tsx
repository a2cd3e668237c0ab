import { useEffect, useId, useRef, useState, type FormEvent } from "react";
import { useSignIn } from "../api/queries";
import { BusyButton } from "../components/BusyButton";
import { FormProblem } from "../components/FormProblem";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { signInProblem } from "./signInProblem";

interface Props {
  /** Sign in again as this user and nobody else. */
  fixedUsername?: string;
  /** Only to prove who they are: they go on with the session that the EHR began. */
  proves?: boolean;
  /** What the button says. */
  action?: string;
}

export function SignInForm({ fixedUsername, proves = false, action }: Props) {
  const [username, setUsername] = useState(fixedUsername ?? "");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [missing, setMissing] = useState(false);
  const signIn = useSignIn(proves);
  const usernameRef = useRef<HTMLInputElement>(null);
  const passwordRef = useRef<HTMLInputElement>(null);
  const id = useId();

  useEffect(() => {
    (fixedUsername ? passwordRef : usernameRef).current?.focus();
  }, [fixedUsername]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (signIn.isPending) return;
    const incomplete = !username.trim() || !password;
    setMissing(incomplete);
    if (incomplete) {
      (username.trim() ? passwordRef : usernameRef).current?.focus();
      return;
    }
    signIn.mutate(
      { username: username.trim(), password },
      {
        onError: () => {
          setPassword("");
          passwordRef.current?.focus();
        },
      },
    );
  };

  const problem = missing ? t("sign_in.missing") : signIn.isPending ? null : signInProblem(signIn.error);
  const describedBy = problem ? `${id}-problem` : undefined;

  return (
    <form className="stack" onSubmit={submit} noValidate>
      <FormProblem id={`${id}-problem`} text={problem} />
      <div className="field">
        <label htmlFor={`${id}-user`}>{t("sign_in.username")}</label>
        <input
          ref={usernameRef}
          id={`${id}-user`}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          readOnly={fixedUsername !== undefined}
          value={username}
          aria-invalid={missing && !username.trim() ? true : undefined}
          aria-describedby={describedBy}
          onChange={(event) => setUsername(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-password`}>{t("sign_in.password")}</label>
        <div className="input-with-action">
          <input
            ref={passwordRef}
            id={`${id}-password`}
            name="password"
            type={shown ? "text" : "password"}
            autoComplete="current-password"
            value={password}
            aria-invalid={missing && !password ? true : undefined}
            aria-describedby={describedBy}
            onChange={(event) => setPassword(event.target.value)}
          />
          <button
            type="button"
            className="icon-button"
            aria-label={t("sign_in.show_password")}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            <Icon name={shown ? "eye-off" : "eye"} />
          </button>
        </div>
      </div>
      <BusyButton className="button button-primary" busy={signIn.isPending} saying={t("sign_in.busy")}>
        {action ?? t("sign_in.submit")}
      </BusyButton>
    </form>
  );
}
