import { useId } from "react";
import { t } from "../i18n";

interface Props {
  value: string;
  onChange: (value: string) => void;
  isRequired: boolean;
  problem: string | null;
}

/** Why the desk changes something. */
export function ReasonField({ value, onChange, isRequired, problem }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t(isRequired ? "reason.label" : "reason.label.optional")}</label>
      <textarea
        id={id}
        rows={2}
        maxLength={500}
        value={value}
        aria-required={isRequired}
        aria-invalid={problem ? true : undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <p id={`${id}-hint`} className={problem ? "small text-bad" : "small muted"}>
        {problem ?? t("reason.hint")}
      </p>
    </div>
  );
}
