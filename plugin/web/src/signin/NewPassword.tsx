/** For an account whose password somebody else chose: nothing but this form until its owner has chosen one. */
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode, type RefObject } from "react";
import { ApiError } from "../api/errors";
import { useChangePassword } from "../api/queries";
import { Brand } from "../components/Brand";
import { BusyButton } from "../components/BusyButton";
import { describe } from "../components/ErrorState";
import { FormProblem } from "../components/FormProblem";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { SHORTEST_PASSWORD, faultOfAnswer, faultOfInput, type Fault, type FieldName } from "./newPasswordFaults";
import { waitProblem } from "./signInProblem";
import { useSessionClock } from "../auth/useSession";
import { useSignOut } from "./useSignOut";

export function NewPassword({ token, username }: { token: string; username: string }) {
  const signOut = useSignOut();
  useSessionClock();
  return (
    <main id="content" className="sign-in">
      <title>{t("app.title", { page: t("new_password.title") })}</title>
      <div className="sign-in-card">
        <Brand />
        <div>
          <h1>{t("new_password.title")}</h1>
          <p className="muted">{t("new_password.lead", { name: username })}</p>
        </div>
        <NewPasswordForm token={token} username={username} />
        <button type="button" className="button" onClick={signOut}>
          {t("nav.sign_out")}
        </button>
      </div>
    </main>
  );
}

function NewPasswordForm({ token, username }: { token: string; username: string }) {
  const [values, setValues] = useState({ current: "", fresh: "", again: "" });
  const [shown, setShown] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);
  const change = useChangePassword(token, username);
  const current = useRef<HTMLInputElement>(null);
  const fields = { current, fresh: useRef<HTMLInputElement>(null), again: useRef<HTMLInputElement>(null) };
  const id = useId();

  useEffect(() => current.current?.focus(), []);

  const refuse = (found: Fault) => {
    setFault(found);
    if (found.field) fields[found.field].current?.focus();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (change.isPending) return;
    const found = faultOfInput(values);
    if (found) return refuse(found);
    setFault(null);
    change.mutate(
      { current_password: values.current, new_password: values.fresh },
      { onError: (error) => refuse(faultOfAnswer(error)) },
    );
  };

  const problem = fault && wordsFor(fault, change.error);
  const field = (name: FieldName, label: string, autoComplete: string, ref: RefObject<HTMLInputElement | null>) => ({
    ref,
    label,
    autoComplete,
    name,
    shown,
    value: values[name],
    invalid: fault?.field === name,
    describedBy: fault?.field === name ? `${id}-problem` : undefined,
    onChange: (value: string) => setValues({ ...values, [name]: value }),
  });

  return (
    <form className="stack" onSubmit={submit} noValidate>
      <FormProblem id={`${id}-problem`} text={problem} />
      {/* So that a password manager knows whose password this is. */}
      <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
      <PasswordField {...field("current", t("new_password.current"), "current-password", fields.current)} />
      <PasswordField
        {...field("fresh", t("new_password.fresh"), "new-password", fields.fresh)}
        hint={t("new_password.hint", { count: SHORTEST_PASSWORD })}
      >
        <button
          type="button"
          className="icon-button"
          aria-label={t("new_password.show")}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
        >
          <Icon name={shown ? "eye-off" : "eye"} />
        </button>
      </PasswordField>
      <PasswordField {...field("again", t("new_password.again"), "new-password", fields.again)} />
      <BusyButton className="button button-primary" busy={change.isPending} saying={t("new_password.busy")}>
        {t("new_password.submit")}
      </BusyButton>
    </form>
  );
}

interface FieldProps {
  ref: RefObject<HTMLInputElement | null>;
  label: string;
  hint?: string;
  name: string;
  autoComplete: string;
  shown: boolean;
  value: string;
  invalid: boolean;
  describedBy: string | undefined;
  onChange: (value: string) => void;
  /** A button inside the field. */
  children?: ReactNode;
}

function PasswordField(props: FieldProps) {
  const { ref, label, hint, name, autoComplete, shown, value, invalid, describedBy, onChange, children } = props;
  const id = useId();
  const descriptions = [hint && `${id}-hint`, describedBy].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="input-with-action">
        <input
          ref={ref}
          id={id}
          name={name}
          type={shown ? "text" : "password"}
          autoComplete={autoComplete}
          autoCapitalize="none"
          spellCheck={false}
          value={value}
          aria-invalid={invalid || undefined}
          aria-describedby={descriptions || undefined}
          onChange={(event) => onChange(event.target.value)}
        />
        {children}
      </div>
      {hint && (
        <p className="muted" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

function wordsFor(fault: Fault, error: Error | null): string {
  const wait = waitProblem(error);
  if (fault.kind === "other" && wait) return wait;
  if (fault.kind === "short") return t("new_password.short", { count: SHORTEST_PASSWORD });
  if (fault.kind !== "other") return t(`new_password.${fault.kind}`);
  const { title, text } = describe(error ?? new ApiError(0, "network"));
  return `${title}. ${text}`;
}
