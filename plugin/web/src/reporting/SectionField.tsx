import { useId, useLayoutEffect, useRef, type Ref } from "react";
import type { Macro, Section } from "../api/reports";
import { t } from "../i18n";
import { expanded } from "./macros";

interface Props {
  section: Section;
  isRequired: boolean;
  isMissing: boolean;
  macros: readonly Macro[];
  onChange: (text: string) => void;
  onFocus: () => void;
  ref: Ref<HTMLTextAreaElement>;
}

/** One section of the report, as plain lines. A macro's name after a dot becomes its text. */
export function SectionField({ section, isRequired, isMissing, macros, onChange, onFocus, ref }: Props) {
  const id = useId();
  const behind = useRef<{ field: HTMLTextAreaElement; caret: number } | null>(null);
  // Before the next key: whoever types on does so behind what the macro wrote.
  useLayoutEffect(() => {
    if (!behind.current) return;
    behind.current.field.setSelectionRange(behind.current.caret, behind.current.caret);
    behind.current = null;
  });
  return (
    <div className="field report-section">
      <label htmlFor={id}>
        {section.title}
        {isRequired && <span className="muted"> {t("report.required")}</span>}
      </label>
      <textarea
        ref={ref}
        id={id}
        rows={3}
        value={section.text}
        maxLength={20_000}
        spellCheck
        aria-required={isRequired}
        aria-invalid={isMissing || undefined}
        aria-describedby={isMissing ? `${id}-problem` : undefined}
        onFocus={onFocus}
        onChange={(event) => {
          const field = event.target;
          const after = expanded({ text: field.value, caret: field.selectionStart }, macros);
          if (after) behind.current = { field, caret: after.caret };
          onChange(after?.text ?? field.value);
        }}
      />
      {isMissing && (
        <p id={`${id}-problem`} className="small text-bad">
          {t("report.section.missing")}
        </p>
      )}
    </div>
  );
}
