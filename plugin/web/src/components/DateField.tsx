import { useId } from "react";

/** A day as YYYY-MM-DD; half a date is no date yet. */
export function DateField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="date" max="9999-12-31" value={value} onChange={(event) => onChange(event.target.value)} />
    </div>
  );
}
