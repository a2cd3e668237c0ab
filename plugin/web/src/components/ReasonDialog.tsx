import { useId, useRef, useState, type ReactNode } from "react";
import { t } from "../i18n";
import { FormDialog } from "./FormDialog";

interface Props {
  title: string;
  /** What will happen, before anything does. */
  children?: ReactNode;
  action: string;
  danger?: boolean;
  /** false: the reason may stay empty. */
  required?: boolean;
  maxLength?: number;
  /** For a table; a question needs less. */
  wide?: boolean;
  busy: boolean;
  error: Error | null;
  onConfirm: (reason: string) => void;
  onClose: () => void;
}

/** Asks why before something that is kept in the audit trail. */
export function ReasonDialog({ title, children, action, danger, required = true, maxLength = 255, wide, busy, error, onConfirm, onClose }: Props) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const submit = () => {
    const said = reason.trim();
    setMissing(required && !said);
    if (required && !said) field.current?.focus();
    else onConfirm(said);
  };
  return (
    <FormDialog title={title} action={action} busy={busy} error={error} onSubmit={submit} onClose={onClose} {...(danger ? { danger } : {})} {...(wide ? { wide } : {})}>
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
    </FormDialog>
  );
}
