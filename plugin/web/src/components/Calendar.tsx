/** A month to choose a day from: the grid of the ARIA authoring practices, weeks beginning on Monday. */
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { currentLanguage, formatDay, t } from "../i18n";
import { today } from "../i18n/age";
import { LANGUAGES } from "../i18n/languages";
import { monthNames } from "../i18n/parseDay";
import { addDays, addMonths, monday, weeksOf } from "./calendarDays";
import { Icon } from "./Icon";

interface Props {
  /** An ISO date, or "". */
  value: string;
  onChoose: (day: string) => void;
}

export function Calendar({ value, onChoose }: Props) {
  const [at, setAt] = useState(value || today());
  const [follow, setFollow] = useState(true);
  const grid = useRef<HTMLTableElement>(null);
  const id = useId();
  const months = monthNames();
  const [year, month] = [Number(at.slice(0, 4)), Number(at.slice(5, 7))];

  useEffect(() => {
    if (follow) grid.current?.querySelector<HTMLElement>(`[data-day="${at}"]`)?.focus();
  }, [at, follow]);

  /** By the keyboard in the grid the focus goes along; by the fields above it stays there. */
  const move = (day: string, focus: boolean) => {
    setFollow(focus);
    setAt(day);
  };
  const press = (event: KeyboardEvent) => {
    const day = moved(event, at);
    if (!day) return;
    event.preventDefault();
    move(day, true);
  };
  return (
    <div className="calendar">
      <div className="calendar-head">
        <button type="button" className="button button-small" aria-label={t("date.previous")} onClick={() => move(addMonths(at, -1), false)}>
          <Icon name="back" />
        </button>
        <label className="visually-hidden" htmlFor={`${id}-month`}>
          {t("date.month")}
        </label>
        <select id={`${id}-month`} value={month} onChange={(event) => move(addMonths(at, Number(event.target.value) - month), false)}>
          {months.map((name, index) => (
            <option key={name} value={index + 1}>
              {name}
            </option>
          ))}
        </select>
        <label className="visually-hidden" htmlFor={`${id}-year`}>
          {t("date.year")}
        </label>
        <Year id={`${id}-year`} key={year} year={year} onYear={(chosen) => move(addMonths(at, 12 * (chosen - year)), false)} />
        <button type="button" className="button button-small" aria-label={t("date.next")} onClick={() => move(addMonths(at, 1), false)}>
          <Icon name="next" />
        </button>
      </div>
      <table ref={grid} role="grid" aria-label={`${months[month - 1]} ${year}`} onKeyDown={press}>
        <thead>
          <tr>
            {weekdays().map(({ short, long }) => (
              <th key={long} scope="col" abbr={long}>
                {short}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeksOf(at).map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                // A cell of a table is one of a grid by itself, but not to every reader of pages.
                // eslint-disable-next-line jsx-a11y/no-redundant-roles
                <td key={day} role="gridcell" aria-selected={day === value}>
                  <button
                    type="button"
                    data-day={day}
                    className={day.slice(0, 7) === at.slice(0, 7) ? "calendar-day" : "calendar-day calendar-other"}
                    aria-label={formatDay(day)}
                    aria-current={day === today() ? "date" : undefined}
                    tabIndex={day === at ? 0 : -1}
                    onClick={() => onChoose(day)}
                  >
                    {Number(day.slice(8))}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Typed freely; it counts once it has four digits. */
function Year({ id, year, onYear }: { id: string; year: number; onYear: (year: number) => void }) {
  const [typed, setTyped] = useState(String(year));
  return (
    <input
      id={id}
      className="calendar-year"
      inputMode="numeric"
      maxLength={4}
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value);
        if (/^[12]\d{3}$/.test(event.target.value) && Number(event.target.value) !== year) onYear(Number(event.target.value));
      }}
      onBlur={() => setTyped(String(year))}
    />
  );
}

function moved({ key, shiftKey }: KeyboardEvent, at: string): string | null {
  switch (key) {
    case "ArrowLeft":
      return addDays(at, -1);
    case "ArrowRight":
      return addDays(at, 1);
    case "ArrowUp":
      return addDays(at, -7);
    case "ArrowDown":
      return addDays(at, 7);
    case "Home":
      return monday(at);
    case "End":
      return addDays(monday(at), 6);
    case "PageUp":
      return addMonths(at, shiftKey ? -12 : -1);
    case "PageDown":
      return addMonths(at, shiftKey ? 12 : 1);
    default:
      return null;
  }
}

function weekdays(): { short: string; long: string }[] {
  const { locale } = LANGUAGES[currentLanguage()];
  const name = (weekday: "short" | "long", at: number) => new Intl.DateTimeFormat(locale, { weekday, timeZone: "UTC" }).format(Date.UTC(2026, 5, 1 + at));
  return Array.from({ length: 7 }, (_, at) => ({ short: name("short", at), long: name("long", at) }));
}
