import { useId, useRef, useState, type ReactNode } from "react";
import { useAuthorities } from "../api/authorities";
import { useCreatePatient, type Reconciliation } from "../api/reconciliation";
import { DateField } from "../components/DateField";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { KnownPatients } from "../desk/KnownPatients";
import { ReasonField } from "../desk/ReasonField";
import { saidOf, SEXES, type Sex } from "../desk/typed";
import { t, word } from "../i18n";
import { ofPatient, type Choice } from "./choice";
import { bodyOf, fromStudy, shownOf, unconfirmed, type Confirmable, type NewPatient } from "./newPatient";

interface Props {
  item: Reconciliation;
  /** It is somebody who is registered already. */
  onKnown: (choice: Choice) => void;
  onStarted: (jobId: string) => void;
  onClose: () => void;
}

/** Registers the patient of a study from its images, each field confirmed by a person, and links the study to them. */
export function CreatePatientDialog({ item, onKnown, onStarted, onClose }: Props) {
  // As it was when the person looked.
  const [expected] = useState(item.version);
  const [said] = useState(() => fromStudy(item));
  const [typed, setTyped] = useState<NewPatient>({ ...said, mrn: "" });
  const [confirmed, setConfirmed] = useState<ReadonlySet<Confirmable>>(new Set());
  const [isTried, setTried] = useState(false);
  const [looked, setLooked] = useState(`${said.family_name} ${said.given_name}`.trim());
  const { names: issuers } = useAuthorities();
  const create = useCreatePatient(item.study.study_instance_uid);
  const form = useRef<HTMLDivElement>(null);
  const shown = shownOf(said, typed);
  const open = unconfirmed(shown, confirmed);
  const lacksReason = !typed.reason.trim();
  const set = <Field extends keyof NewPatient>(field: Field, value: NewPatient[Field]) => {
    setTyped({ ...typed, [field]: value });
    if (field !== "reason") mark(field as Confirmable, false);
  };
  const mark = (field: Confirmable, isConfirmed: boolean) => {
    const next = new Set(confirmed);
    if (isConfirmed) next.add(field);
    else next.delete(field);
    setConfirmed(next);
  };
  const submit = () => {
    setTried(true);
    if (open.length > 0 || lacksReason) {
      window.setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    create.mutate(bodyOf({ ...typed, issuer: typed.issuer || (issuers[0] ?? "") }, expected), {
      onSuccess: ({ job }) => {
        onStarted(job.id);
        onClose();
      },
    });
  };
  const text = (field: Confirmable, most: number) => (
    <TextField label={t(`field.${field}`)} value={typed[field]} onChange={(value) => set(field, value)} maxLength={most} problem={saidOf(create.error, `patient.${field}`) ?? saidOf(create.error, `order.${field}`)} />
  );
  const control = (field: Confirmable): ReactNode => {
    if (field === "birth_date") return <DateField label={t("field.birth_date")} value={typed.birth_date} onChange={(value) => set("birth_date", value)} problem={saidOf(create.error, "patient.birth_date")} />;
    if (field === "sex") return <SelectField label={t("field.sex")} value={typed.sex} options={SEXES.map((value) => ({ value, label: word("sex", value) }))} onChange={(sex) => set("sex", sex as Sex)} />;
    if (field === "mrn") {
      const own = said.mrn ? [{ value: said.mrn, label: t("reconciliation.create.own_number", { mrn: said.mrn }) }] : [];
      return <SelectField label={t("field.mrn")} value={typed.mrn} options={[{ value: "", label: t("reconciliation.create.given_number") }, ...own]} onChange={(mrn) => set("mrn", mrn)} problem={saidOf(create.error, "mrn")} />;
    }
    return text(field, field === "accession_number" ? 16 : field === "family_name" || field === "given_name" ? 31 : 64);
  };
  const row = (field: Confirmable) => (
    <Row key={field} name={t(`field.${field}`)} isConfirmed={confirmed.has(field)} isMissing={isTried && !confirmed.has(field)} onConfirm={(is) => mark(field, is)}>
      {control(field)}
    </Row>
  );
  return (
    <FormDialog
      title={t("reconciliation.create.title")}
      action={t("reconciliation.create.action")}
      wide
      busy={create.isPending}
      error={create.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <p>{t("reconciliation.create.text")}</p>
      <div ref={form} className="stack">
        <div className="confirm-rows" onBlur={() => setLooked(`${typed.family_name} ${typed.given_name}`.trim())}>
          {shown.filter((field) => field !== "accession_number" && field !== "description").map(row)}
        </div>
        {issuers.length > 0 && <SelectField label={t("issuer")} value={typed.issuer || (issuers[0] ?? "")} options={issuers.map((name) => ({ value: name, label: name }))} onChange={(issuer) => setTyped({ ...typed, issuer })} />}
        <KnownPatients q={looked} onChoose={(patient) => onKnown(ofPatient(patient, "link"))} />
        <label className="check">
          <input type="checkbox" checked={typed.with_order} onChange={(event) => setTyped({ ...typed, with_order: event.target.checked })} />
          {t("reconciliation.create.with_order")}
        </label>
        {typed.with_order && (
          <div className="confirm-rows">
            {row("accession_number")}
            {row("description")}
          </div>
        )}
        <ReasonField value={typed.reason} onChange={(reason) => set("reason", reason)} isRequired problem={isTried && lacksReason ? t("reason.missing") : null} />
        <p role="status" className="small text-bad">
          {isTried && open.length > 0 ? t("reconciliation.create.open", { count: open.length }) : ""}
        </p>
      </div>
    </FormDialog>
  );
}

interface RowProps {
  name: string;
  isConfirmed: boolean;
  isMissing: boolean;
  onConfirm: (isConfirmed: boolean) => void;
  children: ReactNode;
}

/** One field, and that a person has compared it. */
function Row({ name, isConfirmed, isMissing, onConfirm, children }: RowProps) {
  const id = useId();
  return (
    <div className="confirm-row">
      {children}
      <label className="check" htmlFor={id}>
        <input id={id} type="checkbox" aria-label={t("reconciliation.create.confirm.label", { field: name })} checked={isConfirmed} aria-invalid={isMissing || undefined} onChange={(event) => onConfirm(event.target.checked)} />
        <span className={isMissing ? "text-bad" : undefined}>{t("reconciliation.create.confirm")}</span>
      </label>
    </div>
  );
}
