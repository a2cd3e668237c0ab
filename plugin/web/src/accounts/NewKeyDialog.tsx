import { useState } from "react";
import { useCreateServiceKey, type NewServiceKey } from "../api/accounts";
import { Dialog } from "../components/Dialog";
import { Notice } from "../components/Notice";
import { t } from "../i18n";
import { FormDialog } from "../components/FormDialog";
import { RoleBoxes } from "./RoleBoxes";
import { PROGRAMS_ROLES } from "./roles";
import { TextField } from "../components/TextField";

export function NewKeyDialog({ onMade, onClose }: { onMade: (key: NewServiceKey) => void; onClose: () => void }) {
  const create = useCreateServiceKey();
  const [name, setName] = useState("");
  const [roles, setRoles] = useState<string[]>(["service"]);
  const [isTried, setTried] = useState(false);
  const submit = () => {
    setTried(true);
    if (name.trim()) create.mutate({ name: name.trim(), roles }, { onSuccess: onMade });
  };
  return (
    <FormDialog title={t("keys.new")} action={t("keys.create")} busy={create.isPending} error={create.error} onSubmit={submit} onClose={onClose}>
      <TextField label={t("keys.name")} value={name} onChange={setName} hint={t("keys.name.hint")} problem={isTried && !name.trim() ? t("keys.name.missing") : null} />
      <RoleBoxes roles={PROGRAMS_ROLES} chosen={roles} onChange={setRoles} />
    </FormDialog>
  );
}

/** The one moment the key can be read. Escape does not close it: it cannot be shown again. */
export function ShownOnce({ made, onClose }: { made: NewServiceKey; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    // Where the browser forbids it (no HTTPS), the key can still be marked and copied by hand.
    navigator.clipboard?.writeText(made.key).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <Dialog title={t("keys.once.title", { name: made.name })}>
      <Notice kind="warn">
        <p>{t("keys.once.text")}</p>
      </Notice>
      <div className="field">
        <label htmlFor="new-key">{t("keys.key")}</label>
        <input id="new-key" className="mono" readOnly value={made.key} onFocus={(event) => event.target.select()} />
      </div>
      <p role="status" className="small muted">
        {copied ? t("keys.copied") : ""}
      </p>
      <div className="actions actions-end">
        <button type="button" className="button" onClick={copy}>
          {t("keys.copy")}
        </button>
        <button type="button" className="button button-primary" onClick={onClose}>
          {t("keys.once.done")}
        </button>
      </div>
    </Dialog>
  );
}
