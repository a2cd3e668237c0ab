/** Opens a restricted patient for a limited time, with a reason that is reviewed. */
import { useState } from "react";
import { useOpenInEmergency, type Named, type Opening } from "../api/privacy";
import { SelectField } from "../components/Fields";
import { ReasonDialog } from "../components/ReasonDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { formatInstant, t } from "../i18n";

const MINUTES = ["15", "60", "240"] as const;

interface Props {
  /** Null: whoever opens it gives the patient's number. */
  whom: Named | null;
  onOpened?: (opening: Opening) => void;
  onClose: () => void;
}

export function EmergencyDialog({ whom, onOpened, onClose }: Props) {
  const open = useOpenInEmergency();
  const say = useSay();
  const [number, setNumber] = useState("");
  const [isTried, setTried] = useState(false);
  const [minutes, setMinutes] = useState<string>("60");
  const confirm = (reason: string) => {
    setTried(true);
    const named = whom ?? (number.trim() ? { patient_id: number.trim() } : null);
    if (!named) return;
    open.mutate(
      { ...named, reason, minutes: Number(minutes) },
      {
        onSuccess: (opening) => {
          say({ text: t("privacy.opened", { when: formatInstant(opening.expires_at) }) });
          onClose();
          onOpened?.(opening);
        },
      },
    );
  };
  return (
    <ReasonDialog title={t("privacy.emergency.title")} action={t("privacy.emergency.action")} danger busy={open.isPending} error={open.error} onConfirm={confirm} onClose={onClose}>
      <p>{t("privacy.emergency.text")}</p>
      {!whom && <TextField label={t("privacy.number")} value={number} onChange={setNumber} problem={isTried && !number.trim() ? t("privacy.number.missing") : null} />}
      <SelectField label={t("privacy.minutes")} value={minutes} options={MINUTES.map((value) => ({ value, label: t("privacy.minutes.count", { count: Number(value) }) }))} onChange={setMinutes} />
    </ReasonDialog>
  );
}
