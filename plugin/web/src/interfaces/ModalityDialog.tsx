import { useId, useState } from "react";
import { useChangeModality, useLoadModalities, useRegisterModality, type May, type Modality } from "../api/modalities";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { t, word } from "../i18n";
import { MAY, problemsOf, type Typed } from "./typed";

const NEW: Typed = { aeTitle: "", host: "", port: "104", description: "" };

/** A new modality, or what is registered of one. */
export function ModalityDialog({ modality, onClose }: { modality: Modality | null; onClose: () => void }) {
  const register = useRegisterModality();
  const change = useChangeModality();
  const load = useLoadModalities();
  const say = useSay();
  const [typed, setTyped] = useState<Typed>(() => (modality ? typedOf(modality) : NEW));
  const [may, setMay] = useState<readonly May[]>(modality?.may ?? ["store", "worklist"]);
  const [isTried, setTried] = useState(false);
  const problems = isTried ? problemsOf(typed) : {};
  const set = (field: keyof Typed) => (value: string) => setTyped({ ...typed, [field]: value });
  const error = modality ? change.error : register.error;
  const done = () => {
    say({ text: t("modalities.saved", { title: typed.aeTitle.trim() }) });
    onClose();
  };
  const submit = () => {
    setTried(true);
    if (Object.keys(problemsOf(typed)).length > 0) return;
    const body = {
      host: typed.host.trim(),
      port: Number(typed.port),
      may: [...may],
      charset: modality?.charset ?? null,
      description: typed.description.trim() || null,
    };
    if (modality) change.mutate({ seen: modality, body }, { onSuccess: done });
    else register.mutate({ aeTitle: typed.aeTitle.trim(), body }, { onSuccess: done });
  };
  return (
    <FormDialog
      title={modality ? t("modalities.change.title", { title: modality.ae_title }) : t("modalities.new")}
      action={t("action.save")}
      busy={change.isPending || register.isPending}
      error={error}
      onLoadAgain={load}
      onSubmit={submit}
      onClose={onClose}
    >
      {!modality && (
        <TextField
          label={t("modalities.ae_title")}
          value={typed.aeTitle}
          onChange={set("aeTitle")}
          maxLength={16}
          hint={t("modalities.ae_title.hint")}
          problem={problems.aeTitle ? t("modalities.ae_title.problem") : null}
        />
      )}
      <TextField
        label={t("modalities.host")}
        value={typed.host}
        onChange={set("host")}
        maxLength={255}
        hint={t("modalities.host.hint")}
        problem={problems.host ? t("modalities.host.problem") : null}
      />
      <TextField label={t("modalities.port")} value={typed.port} onChange={set("port")} maxLength={5} problem={problems.port ? t("modalities.port.problem") : null} />
      <TextField label={t("modalities.description")} value={typed.description} onChange={set("description")} maxLength={255} hint={t("modalities.description.hint")} />
      <MayBoxes chosen={may} onChange={setMay} />
    </FormDialog>
  );
}

const typedOf = (modality: Modality): Typed => ({
  aeTitle: modality.ae_title,
  host: modality.host,
  port: String(modality.port),
  description: modality.description ?? "",
});

function MayBoxes({ chosen, onChange }: { chosen: readonly May[]; onChange: (chosen: readonly May[]) => void }) {
  const id = useId();
  return (
    <fieldset className="boxes">
      <legend>{t("modalities.may")}</legend>
      {MAY.map((each) => (
        <label key={each} htmlFor={`${id}-${each}`} className="box">
          <input
            id={`${id}-${each}`}
            type="checkbox"
            checked={chosen.includes(each)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, each] : chosen.filter((one) => one !== each))}
          />
          <span>{word("modalities.may", each)}</span>
        </label>
      ))}
    </fieldset>
  );
}
