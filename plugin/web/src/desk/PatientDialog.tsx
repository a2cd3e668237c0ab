import { useRef, useState } from "react";
import { useAuthorities } from "../api/authorities";
import { useCorrectPatient, useRegisterPatient } from "../api/desk";
import type { Patient } from "../api/types";
import { DateField } from "../components/DateField";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { t, word } from "../i18n";
import { today } from "../i18n/age";
import { faultText } from "./faultWords";
import { KnownPatients } from "./KnownPatients";
import { useLoadAgainAndClose } from "./loadAgain";
import { ReasonField } from "./ReasonField";
import { isChanged, NOBODY, patientBody, patientFaults, SEXES, typedPatient, type Sex, type TypedPatient } from "./typed";

interface Props {
  /** null: a new one. */
  patient: Patient | null;
  onDone: (patient: Patient) => void;
  onClose: () => void;
}

const PARTS = ["family_name", "given_name", "middle_name", "prefix", "suffix"] as const;

/** Registers a patient, corrects one, or says who an unidentified one is. */
export function PatientDialog({ patient: now, onDone, onClose }: Props) {
  // As it was when the dialog was opened: what is typed must not vanish because something is asked for again.
  const [patient] = useState(now);
  const { names: issuers } = useAuthorities();
  const register = useRegisterPatient();
  const correct = useCorrectPatient();
  const say = useSay();
  const loadAgain = useLoadAgainAndClose(onClose);
  const form = useRef<HTMLDivElement>(null);
  const before = patient ? typedPatient(patient) : NOBODY;
  const [typed, setTyped] = useState<TypedPatient>(before);
  const [isTried, setTried] = useState(false);
  const [looked, setLooked] = useState("");
  const needsReason = patient !== null && !patient.registered_here && isChanged(typed, before);
  const checked = { ...typed, issuer: typed.issuer || (issuers[0] ?? "") };
  const faults = isTried ? patientFaults(checked, today(), { needsReason }) : {};
  const error = register.error ?? correct.error;
  const set = (field: keyof TypedPatient) => (value: string) => setTyped({ ...typed, [field]: value });
  const text = (field: keyof TypedPatient) => faultText(faults[field], error, field);
  const done = (saved: Patient) => {
    say({ text: t(patient ? "desk.patient.corrected" : "desk.patient.registered") });
    onDone(saved);
  };
  const submit = () => {
    setTried(true);
    if (Object.keys(patientFaults(checked, today(), { needsReason })).length > 0) {
      window.setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    const body = patientBody(checked);
    if (patient) correct.mutate({ seen: patient, body: { ...body, issuer: patient.issuer } }, { onSuccess: done });
    else register.mutate(body, { onSuccess: done });
  };
  const title = !patient ? "desk.patient.new" : patient.is_unidentified ? "desk.patient.identify" : "desk.patient.correct";
  return (
    <FormDialog
      title={t(title)}
      action={t(patient ? "action.save" : "desk.patient.register")}
      wide
      busy={register.isPending || correct.isPending}
      error={error}
      onLoadAgain={loadAgain}
      onSubmit={submit}
      onClose={onClose}
    >
      {patient?.is_unidentified && <p>{t("desk.patient.identify.text")}</p>}
      <div ref={form} className="stack">
        <div className="desk-fields" onBlur={() => setLooked(patient ? "" : [typed.family_name, typed.given_name].map((part) => part.trim()).join(" ").trim())}>
          {PARTS.map((part) => (
            <TextField key={part} label={t(`field.${part}`)} value={typed[part]} onChange={set(part)} maxLength={part === "family_name" || part === "given_name" ? 31 : 64} problem={text(part)} />
          ))}
          <DateField label={t("field.birth_date")} value={typed.birth_date} onChange={set("birth_date")} problem={text("birth_date")} />
          <SelectField label={t("field.sex")} value={typed.sex} options={SEXES.map((value) => ({ value, label: word("sex", value) }))} onChange={(sex) => setTyped({ ...typed, sex: sex as Sex })} />
          {!patient && issuers.length > 0 && (
            <SelectField label={t("issuer")} value={checked.issuer} options={issuers.map((name) => ({ value: name, label: name }))} onChange={set("issuer")} />
          )}
        </div>
        {!patient && <KnownPatients q={looked} />}
        {patient && !patient.registered_here && <ReasonField value={typed.reason} onChange={set("reason")} isRequired={needsReason} problem={text("reason")} />}
      </div>
    </FormDialog>
  );
}
