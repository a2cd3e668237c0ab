import { useEffect, useState } from "react";

/** What is in a text field, which tells the others when the user pauses, not at every key. */
export function useTyped(value: string, onChange: (value: string) => void) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = window.setTimeout(() => onChange(typed.trim()), 300);
    return () => window.clearTimeout(timer);
  }, [typed, value, onChange]);
  return [typed, setTyped] as const;
}
