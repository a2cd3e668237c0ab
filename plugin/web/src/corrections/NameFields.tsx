/** A person's name in its parts; the value is what DICOM makes of them, and nobody types what separates them there. */
import { useId, useState } from "react";
import { t } from "../i18n";
import { hasComma, joinName, PARTS, splitName, withoutComma, type NameParts } from "./nameParts";

interface Props {
  legend: string;
  /** As DICOM writes it. */
  value: string;
  onChange: (value: string) => void;
  isFixed?: boolean;
  /** Id of what says why it is fixed. */
  why?: string | undefined;
}

/** The parts stay as they are typed, until the value is changed from elsewhere. */
export function NameFields({ legend, value, onChange, isFixed = false, why }: Props) {
  const id = useId();
  const [typed, setTyped] = useState(() => splitName(value));
  const parts = joinName(typed) === value ? typed : splitName(value);
  const say = (next: NameParts) => {
    setTyped(next);
    onChange(joinName(next));
  };
  return (
    <fieldset className="name-parts" aria-describedby={why}>
      <legend>{legend}</legend>
      {PARTS.map((part) => (
        <div key={part} className={`name-${part}`}>
          <label htmlFor={`${id}-${part}`}>{t(`correction.name.${part}`)}</label>
          <input
            id={`${id}-${part}`}
            autoComplete="off"
            spellCheck={false}
            maxLength={64}
            readOnly={isFixed}
            value={parts[part]}
            onChange={(event) => say({ ...parts, [part]: event.target.value })}
            onBlur={() => withoutComma(parts) !== parts && say(withoutComma(parts))}
          />
        </div>
      ))}
      {!isFixed && hasComma(value) && (
        <p role="alert" className="small text-bad">
          {t("correction.name.comma")}
        </p>
      )}
    </fieldset>
  );
}
