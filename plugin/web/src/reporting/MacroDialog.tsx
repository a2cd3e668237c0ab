import { useId, useState } from "react";
import { usePutMacro, type Macro } from "../api/reports";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { t } from "../i18n";

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

export function MacroDialog({ macro, onClose }: { macro: Macro | null; onClose: () => void }) {
  const put = usePutMacro();
  const id = useId();
  const [name, setName] = useState(macro?.name ?? "");
  const [text, setText] = useState(macro?.text ?? "");
  const [missing, setMissing] = useState(false);
  const submit = () => {
    const isComplete = NAME.test(name) && text.trim() !== "";
    setMissing(!isComplete);
    if (isComplete) put.mutate({ name, text }, { onSuccess: onClose });
  };
  return (
    <FormDialog title={macro ? t("macros.change.label", { name }) : t("macros.new")} action={t("action.save")} busy={put.isPending} error={put.error} onSubmit={submit} onClose={onClose}>
      {!macro && <TextField label={t("macros.name")} hint={t("macros.name.hint")} maxLength={32} value={name} problem={missing && !NAME.test(name) ? t("macros.name.hint") : null} onChange={setName} />}
      <div className="field">
        <label htmlFor={id}>{t("macros.text")}</label>
        <textarea id={id} rows={4} maxLength={20_000} value={text} aria-invalid={(missing && !text.trim()) || undefined} onChange={(event) => setText(event.target.value)} />
      </div>
    </FormDialog>
  );
}
