import { useId } from "react";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string | null;
}

/** A day as YYYY-MM-DD; half a date is no date yet. */
export function DateField({ label, value, onChange, problem }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="date"
        max="9999-12-31"
        value={value}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {problem && (
        <p id={`${id}-problem`} className="small text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}
