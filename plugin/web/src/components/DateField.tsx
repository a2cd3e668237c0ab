/** A day, or a moment of it, typed or chosen from a calendar, always in the page's language whatever the browser's is. */
import { lazy, Suspense, useEffect, useId, useRef, useState } from "react";
import { formatDay, t } from "../i18n";
import { formatMoment, parseDay, parseMoment } from "../i18n/parseDay";
import { Icon } from "./Icon";

const Calendar = lazy(async () => ({ default: (await import("./Calendar")).Calendar }));

interface Props {
  label: string;
  /** An ISO date, or "". A moment is one with its time, `2026-01-31T10:15`. */
  value: string;
  /** Half a date is no date yet: "". */
  onChange: (value: string) => void;
  problem?: string | null;
  readOnly?: boolean;
  /** Id of what explains it. */
  describedBy?: string | undefined;
}

export function DateField(props: Props) {
  return <Field {...props} parse={parseDay} format={formatDay} pattern={t("date.pattern")} chosen={(day) => day} />;
}

/** In the time zone of whoever types it. A day that is chosen keeps the time; without one it is still to be typed. */
export function MomentField(props: Props) {
  const time = props.value.slice(11);
  return <Field {...props} parse={parseMoment} format={formatMoment} pattern={t("date.pattern.moment")} chosen={(day) => (time ? `${day}T${time}` : null)} />;
}

interface FieldProps extends Props {
  parse: (text: string) => string | null;
  format: (value: string) => string;
  /** How it is typed. */
  pattern: string;
  /** The value that a day of the calendar makes; null where it makes only half of one. */
  chosen: (day: string) => string | null;
}

function Field({ label, value, onChange, problem, readOnly = false, describedBy, parse, format, pattern, chosen }: FieldProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const [left, setLeft] = useState(false);
  const [open, setOpen] = useState(false);
  const field = useRef<HTMLDivElement>(null);
  const wrong = left && typed !== null && typed.trim() !== "" && parse(typed) === null;
  const said = wrong ? t("date.invalid", { pattern }) : problem;
  const say = (next: string) => {
    if (next !== value) onChange(next);
  };
  const type = (text: string) => {
    setTyped(text);
    setLeft(false);
    say(parse(text) ?? "");
  };
  const leave = () => {
    setLeft(true);
    // What was understood is shown as it was understood; what was not stays to be corrected.
    if (typed !== null && (typed.trim() === "" || parse(typed) !== null)) setTyped(null);
  };
  const choose = (day: string) => {
    const next = chosen(day);
    setOpen(false);
    setLeft(next === null);
    setTyped(next === null ? `${formatDay(day)} ` : null);
    say(next ?? "");
  };
  return (
    <div className="field" ref={field}>
      <label id={`${id}-label`} htmlFor={id}>
        {label}
      </label>
      <div className="date-field">
        <input
          id={id}
          autoComplete="off"
          spellCheck={false}
          maxLength={40}
          placeholder={readOnly ? undefined : pattern}
          readOnly={readOnly}
          value={typed ?? (value ? format(value) : "")}
          aria-invalid={said ? true : undefined}
          aria-describedby={[said && `${id}-problem`, describedBy].filter(Boolean).join(" ") || undefined}
          onChange={(event) => type(event.target.value)}
          onBlur={leave}
        />
        {!readOnly && (
          <button type="button" className="date-open" aria-label={t("date.open")} aria-describedby={`${id}-label`} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon name="calendar" />
          </button>
        )}
      </div>
      {open && (
        <Popover at={field} onClose={() => setOpen(false)}>
          <Suspense fallback={<p role="status">{t("app.loading")}</p>}>
            <Calendar value={value.slice(0, 10)} onChoose={choose} />
          </Suspense>
        </Popover>
      )}
      {said && (
        <p id={`${id}-problem`} className="small text-bad">
          {said}
        </p>
      )}
    </div>
  );
}

const MARGIN = 8;

/** Above everything else, also in a dialog; closed by Escape or a press elsewhere, and the focus goes back. */
function Popover({ at, onClose, children }: { at: React.RefObject<HTMLDivElement | null>; onClose: () => void; children: React.ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const shown = box.current;
    const opener = at.current?.querySelector<HTMLElement>(".date-open");
    if (!shown) return;
    // Where the browser knows no popovers it is simply shown in its place.
    shown.showPopover?.();
    place(shown, at.current?.querySelector(".date-field"));
    const changed = (event: Event) => {
      if ((event as ToggleEvent).newState === "closed") close.current();
    };
    // The dialog around it stays open.
    const escaped = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      close.current();
    };
    shown.addEventListener("toggle", changed);
    shown.addEventListener("keydown", escaped);
    return () => {
      shown.removeEventListener("toggle", changed);
      shown.removeEventListener("keydown", escaped);
      if (shown.contains(document.activeElement) || document.activeElement === document.body) opener?.focus();
    };
  }, [at]);
  return (
    <div ref={box} popover="auto" role="dialog" aria-label={t("date.open")} className="calendar-box">
      {children}
    </div>
  );
}

/** Below the field, or above it where there is more room, and never beyond the window's edge. */
function place(box: HTMLElement, field: Element | null | undefined): void {
  if (!field) return;
  const { left, top, bottom } = field.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = bottom + height + MARGIN <= window.innerHeight || top < window.innerHeight - bottom;
  box.style.left = `${Math.max(MARGIN, Math.min(left, window.innerWidth - width - MARGIN))}px`;
  box.style.top = `${Math.max(MARGIN, below ? Math.min(bottom + 4, window.innerHeight - height - MARGIN) : top - height - 4)}px`;
}
