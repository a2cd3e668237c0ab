import { useState } from "react";
import { editable, useChangeAccount, useLoadAccounts, useSetPassword, type Account } from "../api/accounts";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { FormDialog } from "../components/FormDialog";
import { RoleBoxes } from "./RoleBoxes";
import { PEOPLES_ROLES, SHORTEST_PASSWORD } from "./roles";
import { TextField } from "../components/TextField";

export function AccountActions({ account }: { account: Account }) {
  const [asking, setAsking] = useState<"change" | "password" | null>(null);
  const close = () => setAsking(null);
  const { username } = account;
  return (
    <span className="row-actions">
      <button type="button" className="button button-small" aria-label={t("accounts.change.label", { username })} onClick={() => setAsking("change")}>
        {t("accounts.change")}
      </button>
      <button type="button" className="button button-small" aria-label={t("accounts.password.label", { username })} onClick={() => setAsking("password")}>
        {t("accounts.password")}
      </button>
      {asking === "change" && <ChangeDialog key={editable(account)} account={account} onClose={close} />}
      {asking === "password" && <PasswordDialog username={username} onClose={close} />}
    </span>
  );
}

function ChangeDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const change = useChangeAccount();
  const load = useLoadAccounts();
  const say = useSay();
  const [name, setName] = useState(account.full_name);
  const [roles, setRoles] = useState<string[]>(account.roles);
  const [active, setActive] = useState(account.active);
  const [isTried, setTried] = useState(false);
  const submit = () => {
    setTried(true);
    if (!name.trim()) return;
    change.mutate(
      { seen: account, full_name: name.trim(), roles, active },
      {
        onSuccess: () => {
          say({ text: t("accounts.changed", { username: account.username }) });
          onClose();
        },
      },
    );
  };
  return (
    <FormDialog
      title={t("accounts.change.title", { username: account.username })}
      action={t("action.save")}
      busy={change.isPending}
      error={change.error}
      onLoadAgain={load}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField label={t("accounts.name")} value={name} onChange={setName} problem={isTried && !name.trim() ? t("accounts.name.missing") : null} />
      <RoleBoxes roles={PEOPLES_ROLES} chosen={roles} onChange={setRoles} />
      <label className="box">
        <input type="checkbox" checked={active} onChange={(event) => setActive(event.target.checked)} />
        <span>
          {t("accounts.active")}
          <span className="second">{t("accounts.active.hint")}</span>
        </span>
      </label>
    </FormDialog>
  );
}

function PasswordDialog({ username, onClose }: { username: string; onClose: () => void }) {
  const set = useSetPassword();
  const say = useSay();
  const [password, setPassword] = useState("");
  const [isTried, setTried] = useState(false);
  const hint = t("accounts.password.hint", { count: SHORTEST_PASSWORD });
  const submit = () => {
    setTried(true);
    if (password.length < SHORTEST_PASSWORD) return;
    set.mutate(
      { username, password },
      {
        onSuccess: () => {
          say({ text: t("accounts.password.done", { username }) });
          onClose();
        },
      },
    );
  };
  return (
    <FormDialog title={t("accounts.password.title", { username })} action={t("accounts.password.set")} busy={set.isPending} error={set.error} onSubmit={submit} onClose={onClose}>
      <p>{t("accounts.password.text")}</p>
      <TextField
        label={t("accounts.password.temporary")}
        type="password"
        autoComplete="new-password"
        maxLength={200}
        value={password}
        onChange={setPassword}
        hint={hint}
        problem={isTried && password.length < SHORTEST_PASSWORD ? hint : null}
      />
    </FormDialog>
  );
}
