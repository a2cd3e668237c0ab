import { useState } from "react";
import type { Critical, Level } from "../api/reports";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { t } from "../i18n";

const LEVELS: readonly (Level | "none")[] = ["none", "minutes", "hours", "days"];

/** How soon somebody must know, and of what. Saved with the draft. */
export function CriticalDialog({ critical, onChange, onClose }: { critical: Critical | null; onChange: (critical: Critical | null) => void; onClose: () => void }) {
  const [level, setLevel] = useState<Level | "none">(critical?.level ?? "none");
  const [note, setNote] = useState(critical?.note ?? "");
  const submit = () => {
    onChange(level === "none" ? null : { level, note: note.trim() || null });
    onClose();
  };
  return (
    <FormDialog title={t("report.critical.title")} action={t("report.critical.action")} busy={false} error={null} onSubmit={submit} onClose={onClose}>
      <fieldset className="choices">
        <legend>{t("report.critical.question")}</legend>
        {LEVELS.map((each) => (
          <label key={each} className="check">
            <input type="radio" name="level" checked={level === each} onChange={() => setLevel(each)} />
            {t(`report.critical.${each}`)}
          </label>
        ))}
      </fieldset>
      {level !== "none" && <TextField label={t("report.critical.note")} hint={t("report.critical.note.hint")} maxLength={255} value={note} onChange={setNote} />}
    </FormDialog>
  );
}
