import { useId } from "react";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "password";
  hint?: string;
  problem?: string | null;
  maxLength?: number;
  autoComplete?: string;
}

/** One line of text with what it must be beneath it, or what is wrong with it. */
export function TextField({ label, value, onChange, type = "text", hint, problem, maxLength = 64, autoComplete = "off" }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type={type}
        value={value}
        maxLength={maxLength}
        autoComplete={autoComplete}
        autoCapitalize="none"
        spellCheck={false}
        aria-invalid={problem ? true : undefined}
        aria-describedby={hint || problem ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {(hint || problem) && (
        <p id={`${id}-hint`} className={problem ? "small text-bad" : "small muted"}>
          {problem || hint}
        </p>
      )}
    </div>
  );
}
