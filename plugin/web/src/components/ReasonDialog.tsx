import { useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { t } from "../i18n";
import { Dialog } from "./Dialog";
import { Problem } from "./Problem";

interface Props {
  title: string;
  /** What will happen, before anything does. */
  children?: ReactNode;
  action: string;
  danger?: boolean;
  /** false: the reason may stay empty. */
  required?: boolean;
  maxLength?: number;
  busy: boolean;
  error: Error | null;
  onConfirm: (reason: string) => void;
  onClose: () => void;
}

/** Asks why before something that is kept in the audit trail. */
export function ReasonDialog({ title, children, action, danger, required = true, maxLength = 255, busy, error, onConfirm, onClose }: Props) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const said = reason.trim();
    setMissing(required && !said);
    if (required && !said) field.current?.focus();
    else onConfirm(said);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        {children}
        <div className="field">
          <label htmlFor={id}>{t(required ? "reason.label" : "reason.label.optional")}</label>
          <textarea
            ref={field}
            id={id}
            rows={2}
            maxLength={maxLength}
            value={reason}
            aria-required={required}
            aria-invalid={missing || undefined}
            aria-describedby={`${id}-hint`}
            onChange={(event) => setReason(event.target.value)}
          />
          <p id={`${id}-hint`} className={missing ? "small text-bad" : "small muted"}>
            {missing ? t("reason.missing") : t("reason.hint")}
          </p>
        </div>
        <Problem error={error} />
        <div className="actions actions-end">
          <button type="button" className="button" onClick={onClose}>
            {t("action.cancel")}
          </button>
          <button type="submit" className={danger ? "button button-danger" : "button button-primary"} aria-disabled={busy}>
            {busy ? t("action.busy") : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
