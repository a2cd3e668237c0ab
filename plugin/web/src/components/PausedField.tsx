import { useId } from "react";
import { useTyped } from "./useTyped";

/** A short text that narrows a list: it asks when the user pauses, not at every key. */
export function PausedField({ label, value, onChange, maxLength = 16 }: { label: string; value: string; onChange: (value: string) => void; maxLength?: number }) {
  const [typed, setTyped] = useTyped(value, onChange);
  const id = useId();
  return (
    <div className="field field-short">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="text" value={typed} maxLength={maxLength} autoComplete="off" spellCheck={false} onChange={(event) => setTyped(event.target.value)} />
    </div>
  );
}
