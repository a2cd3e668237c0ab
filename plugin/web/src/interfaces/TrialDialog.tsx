import { useId, useRef, useState } from "react";
import { useTrial } from "../api/interfaces";
import { FormDialog } from "../components/FormDialog";
import { t } from "../i18n";
import { asTyped, isMessage } from "./asTyped";
import { Changes, Verbatim } from "./Changes";
import { Outcome } from "./Outcome";

/** What would become of a message; nothing is kept. */
export function TrialDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const trial = useTrial();
  const submit = () => {
    setMissing(!isMessage(text));
    if (isMessage(text)) trial.mutate(asTyped(text));
    else field.current?.focus();
  };
  return (
    <FormDialog title={t("interfaces.trial.title")} action={t("interfaces.trial.action")} wide busy={trial.isPending} error={trial.error} onSubmit={submit} onClose={onClose}>
      <div className="field">
        <label htmlFor={id}>{t("interfaces.trial.label")}</label>
        <textarea
          ref={field}
          id={id}
          className="mono"
          rows={8}
          spellCheck={false}
          value={text}
          aria-required
          aria-invalid={missing || undefined}
          aria-describedby={`${id}-hint`}
          onChange={(event) => setText(event.target.value)}
        />
        <p id={`${id}-hint`} className={missing ? "small text-bad" : "small muted"}>
          {missing ? t("interfaces.trial.missing") : t("interfaces.trial.hint")}
        </p>
      </div>
      <div role="status">
        {trial.data && (
          <div className="stack">
            <p>
              <Outcome of={trial.data} isTrial />
            </p>
            <h3>{t("interfaces.trial.changes")}</h3>
            <Changes changes={trial.data.changes} areDone={false} />
            {trial.data.reading && (
              <>
                <h3>{t("interfaces.message.reading")}</h3>
                <Verbatim label={t("interfaces.message.reading")} text={JSON.stringify(trial.data.reading, null, 2)} />
              </>
            )}
            <h3>{t("interfaces.message.ack")}</h3>
            <Verbatim label={t("interfaces.message.ack")} text={trial.data.ack} />
          </div>
        )}
      </div>
    </FormDialog>
  );
}
