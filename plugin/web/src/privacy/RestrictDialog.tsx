/** Who may see a patient from now on: the whole list. */
import { useId, useState } from "react";
import { useRestrict, type Restriction } from "../api/privacy";
import { ReasonDialog } from "../components/ReasonDialog";
import { TextField } from "../components/TextField";
import { t } from "../i18n";

interface Props {
  /** What there is; null: another patient, by number. */
  present: Restriction | null;
  onClose: () => void;
}

export function RestrictDialog({ present, onClose }: Props) {
  const restrict = useRestrict();
  const [number, setNumber] = useState("");
  const [names, setNames] = useState(present?.staff.join("\n") ?? "");
  const [isTried, setTried] = useState(false);
  const id = useId();
  const staff = [...new Set(names.split(/[\n,;]/).map((name) => name.trim()).filter(Boolean))];
  const confirm = (reason: string) => {
    setTried(true);
    const patient = present?.patient_id ?? number.trim();
    if (patient) restrict.mutate({ patient, reason, staff }, { onSuccess: onClose });
  };
  return (
    <ReasonDialog
      title={present ? t("privacy.change.title", { number: present.mrn }) : t("privacy.restrict.title")}
      action={present ? t("privacy.change.action") : t("privacy.restrict.action")}
      busy={restrict.isPending}
      error={restrict.error}
      onConfirm={confirm}
      onClose={onClose}
    >
      {!present && <TextField label={t("privacy.number")} value={number} onChange={setNumber} problem={isTried && !number.trim() ? t("privacy.number.missing") : null} />}
      <div className="field">
        <label htmlFor={id}>{t("privacy.staff")}</label>
        <textarea id={id} rows={4} value={names} spellCheck={false} autoCapitalize="none" aria-describedby={`${id}-hint`} onChange={(event) => setNames(event.target.value)} />
        <p id={`${id}-hint`} className="small muted">
          {staff.length === 0 ? t("privacy.staff.nobody") : t("privacy.staff.hint", { count: staff.length })}
        </p>
      </div>
    </ReasonDialog>
  );
}
