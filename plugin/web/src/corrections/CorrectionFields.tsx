/** The values that a person may correct, each in the field it belongs in: names in parts, days with a calendar. */
import { useId } from "react";
import { DateField } from "../components/DateField";
import { t, word } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { NameFields } from "./NameFields";
import { CHOICES, dicomOf, isoOf, kindOf, longest } from "./values";

export interface CorrectionField {
  tag: string;
  /** Why it cannot be corrected here, in words; null where it can. */
  fixed: string | null;
}

interface Props {
  fields: readonly CorrectionField[];
  values: Readonly<Record<string, string>>;
  onChange: (tag: string, value: string) => void;
}

export function CorrectionFields({ fields, values, onChange }: Props) {
  const id = useId();
  return fields.map((field) => {
    const why = field.fixed ? `${id}-${field.tag}-why` : undefined;
    const props = { field, value: values[field.tag] ?? "", why, onChange: (value: string) => onChange(field.tag, value) };
    return (
      <div key={field.tag} className="field">
        {kindOf(field.tag) === "name" ? <NameFields legend={fieldName(field.tag)} isFixed={field.fixed !== null} {...props} /> : kindOf(field.tag) === "day" ? <DayField {...props} /> : <OneField {...props} />}
        {field.fixed && (
          <p id={why} className="small muted">
            {field.fixed}
          </p>
        )}
      </div>
    );
  });
}

interface OneProps {
  field: CorrectionField;
  value: string;
  why: string | undefined;
  onChange: (value: string) => void;
}

function OneField({ field: { tag, fixed }, value, why, onChange }: OneProps) {
  const id = useId();
  const kind = kindOf(tag);
  const common = { id, "aria-describedby": why };
  return (
    <>
      <label htmlFor={id}>{fieldName(tag)}</label>
      {kind === "choice" && !fixed ? (
        <select {...common} value={value} onChange={(event) => onChange(event.target.value)}>
          {["", ...(CHOICES[tag] ?? []), ...(value && !CHOICES[tag]?.includes(value) ? [value] : [])].map((each) => (
            <option key={each} value={each}>
              {choiceName(tag, each)}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...common}
          autoComplete="off"
          spellCheck={false}
          maxLength={longest(tag)}
          readOnly={fixed !== null}
          value={kind === "choice" ? choiceName(tag, value) : value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </>
  );
}

function DayField({ field: { tag, fixed }, value, why, onChange }: OneProps) {
  return <DateField label={fieldName(tag)} readOnly={fixed !== null} describedBy={why} value={isoOf(value)} onChange={(day) => onChange(dicomOf(day))} />;
}

function choiceName(tag: string, value: string): string {
  if (!value) return t("correction.not_said");
  return CHOICES[tag]?.includes(value) ? word(`correction.${tag}`, value) : value;
}
