import { useId } from "react";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint: string;
  maxLength: number;
  rows?: number;
}

/** Several lines of text that a machine reads, with what they must be beneath. */
export function TextArea({ label, value, onChange, hint, maxLength, rows = 4 }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} className="mono" rows={rows} maxLength={maxLength} spellCheck={false} value={value} aria-describedby={`${id}-hint`} onChange={(event) => onChange(event.target.value)} />
      <p id={`${id}-hint`} className="small muted">
        {hint}
      </p>
    </div>
  );
}
