import { useState } from "react";
import { useCreateAccount } from "../api/accounts";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { FormDialog } from "../components/FormDialog";
import { RoleBoxes } from "./RoleBoxes";
import { PEOPLES_ROLES, SHORTEST_PASSWORD } from "./roles";
import { TextField } from "../components/TextField";

const USERNAME = /^[A-Za-z0-9._@-]{1,64}$/;

export function NewAccountDialog({ onClose }: { onClose: () => void }) {
  const create = useCreateAccount();
  const say = useSay();
  const [username, setUsername] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [roles, setRoles] = useState<string[]>([]);
  const [isTried, setTried] = useState(false);
  const problems = {
    username: USERNAME.test(username.trim()) ? null : t("accounts.username.hint"),
    name: name.trim() ? null : t("accounts.name.missing"),
    password: password.length >= SHORTEST_PASSWORD ? null : t("accounts.password.hint", { count: SHORTEST_PASSWORD }),
  };
  const submit = () => {
    setTried(true);
    if (problems.username || problems.name || problems.password) return;
    create.mutate(
      { username: username.trim(), full_name: name.trim(), password, roles, must_change_password: true },
      {
        onSuccess: () => {
          say({ text: t("accounts.created", { username: username.trim() }) });
          onClose();
        },
      },
    );
  };
  return (
    <FormDialog title={t("accounts.new")} action={t("accounts.create")} busy={create.isPending} error={create.error} onSubmit={submit} onClose={onClose}>
      <TextField label={t("accounts.username")} value={username} onChange={setUsername} hint={t("accounts.username.hint")} problem={isTried ? problems.username : null} />
      <TextField label={t("accounts.name")} value={name} onChange={setName} problem={isTried ? problems.name : null} />
      <TextField
        label={t("accounts.password.first")}
        type="password"
        value={password}
        maxLength={200}
        autoComplete="new-password"
        onChange={setPassword}
        hint={t("accounts.password.first.hint", { count: SHORTEST_PASSWORD })}
        problem={isTried ? problems.password : null}
      />
      <RoleBoxes roles={PEOPLES_ROLES} chosen={roles} onChange={setRoles} />
    </FormDialog>
  );
}
