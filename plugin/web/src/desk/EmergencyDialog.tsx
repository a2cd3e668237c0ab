import { useId, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { useAuthorities } from "../api/authorities";
import { useRegisterEmergency, type Emergency } from "../api/desk";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { useNumbers } from "../components/useNumbers";
import { nameOf } from "../components/whom";
import { t, word } from "../i18n";
import { personName } from "../i18n/person";
import { StationField } from "./StationField";
import { ageOf, MODALITIES, saidOf, type Sex } from "./typed";

const GUESSED: readonly Sex[] = ["male", "female", "unknown"];

/** Somebody whom nobody knows and who cannot wait: sex, about how old, what is to be done. */
export function EmergencyDialog({ onClose }: { onClose: () => void }) {
  const { names: issuers } = useAuthorities();
  const register = useRegisterEmergency();
  const numbers = useNumbers();
  const navigate = useNavigate();
  const say = useSay();
  const [sex, setSex] = useState<Sex>("unknown");
  const [age, setAge] = useState("");
  const [issuer, setIssuer] = useState("");
  const [modality, setModality] = useState("");
  const [what, setWhat] = useState("");
  const [station, setStation] = useState("");
  const form = useRef<HTMLDivElement>(null);
  const isAge = ageOf(age) !== undefined;
  const done = ({ patient, order }: Emergency) => {
    say({ text: t("desk.emergency.done", { name: personName(nameOf(patient)), number: numbers.mrn(patient) }) });
    void navigate(order ? `/orders/${encodeURIComponent(order.id)}` : `/patients/${encodeURIComponent(patient.id)}`);
  };
  const submit = () => {
    if (!isAge) {
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
      return;
    }
    const order = modality ? { modality, description: what.trim() || t("desk.emergency.what.default"), station_ae_title: station || null, body_part: null } : null;
    register.mutate({ sex, approximate_age: ageOf(age) ?? null, issuer: issuer || issuers[0] || null, order }, { onSuccess: done });
  };
  return (
    <FormDialog title={t("desk.emergency.title")} action={t("desk.emergency.action")} busy={register.isPending} error={register.error} onSubmit={submit} onClose={onClose}>
      <div ref={form} className="stack">
        <p>{t("desk.emergency.text")}</p>
        <SexBoxes value={sex} onChange={setSex} />
        <TextField
          label={t("desk.emergency.age")}
          value={age}
          onChange={setAge}
          maxLength={3}
          hint={t("desk.emergency.age.hint")}
          problem={isAge ? saidOf(register.error, "approximate_age") : t("desk.fault.age")}
        />
        {issuers.length > 0 && <SelectField label={t("issuer")} value={issuer || (issuers[0] ?? "")} options={issuers.map((name) => ({ value: name, label: name }))} onChange={setIssuer} />}
        <SelectField
          label={t("order.modality")}
          value={modality}
          options={[{ value: "", label: t("desk.emergency.no_order") }, ...MODALITIES.map((each) => ({ value: each, label: each }))]}
          onChange={setModality}
        />
        {modality && (
          <>
            <TextField label={t("order.description")} value={what} onChange={setWhat} hint={t("desk.emergency.what.hint", { what: t("desk.emergency.what.default") })} problem={saidOf(register.error, "order.description")} />
            <StationField value={station} onChange={setStation} />
          </>
        )}
      </div>
    </FormDialog>
  );
}

function SexBoxes({ value, onChange }: { value: Sex; onChange: (sex: Sex) => void }) {
  const id = useId();
  return (
    <fieldset className="boxes">
      <legend>{t("field.sex")}</legend>
      {GUESSED.map((each) => (
        <label key={each} htmlFor={`${id}-${each}`} className="box">
          <input id={`${id}-${each}`} type="radio" name={id} checked={value === each} onChange={() => onChange(each)} />
          <span>{word("sex", each)}</span>
        </label>
      ))}
    </fieldset>
  );
}
