import { useId } from "react";
import { t } from "../i18n";
import { Icon } from "./Icon";
import { useTyped } from "./useTyped";

/** A search box that asks when the user pauses, not at every key. */
export function SearchField({ label, hint, value, onChange }: { label: string; hint: string; value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useTyped(value, onChange);
  const id = useId();
  return (
    <div className="field field-grow">
      <label htmlFor={id}>{label}</label>
      <div className="input-with-icon">
        <Icon name="search" />
        <input
          id={id}
          type="search"
          autoComplete="off"
          spellCheck={false}
          placeholder={hint}
          // aria-description is of WAI-ARIA 1.3, which the rule does not know yet.
          // eslint-disable-next-line jsx-a11y/role-supports-aria-props
          aria-description={hint}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
  problem?: string | null;
}

export function SelectField({ label, value, options, onChange, problem }: SelectProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {problem && (
        <p id={`${id}-problem`} className="small text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

interface PagerProps {
  offset: number;
  limit: number;
  shown: number;
  total: number;
  onMove: (offset: number) => void;
}

export function Pager({ offset, limit, shown, total, onMove }: PagerProps) {
  if (total <= shown && offset === 0) return null;
  return (
    <div className="pager">
      <button type="button" className="button" disabled={offset === 0} onClick={() => onMove(Math.max(0, offset - limit))}>
        <Icon name="back" />
        {t("list.previous")}
      </button>
      <span className="number muted">{t("list.page", { from: shown ? offset + 1 : offset, to: offset + shown, total })}</span>
      <button type="button" className="button" disabled={offset + shown >= total} onClick={() => onMove(offset + limit)}>
        {t("list.next")}
        <Icon name="next" />
      </button>
    </div>
  );
}
