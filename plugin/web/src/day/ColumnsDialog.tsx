import { useState } from "react";
import { FormDialog } from "../components/FormDialog";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { allInOrder, columnsOf, mayBeLeftOut, movedBy, type ColumnName } from "./layout";
import { columnTitle } from "./columns";

interface Props {
  columns: readonly ColumnName[];
  /** null: those that everybody has. */
  onChosen: (columns: readonly ColumnName[] | null) => void;
  onClose: () => void;
}

/** Which columns there are, and in which order: by buttons, which a keyboard reaches as well. */
export function ColumnsDialog({ columns, onChosen, onClose }: Props) {
  const [chosen, setChosen] = useState(columns);
  const [moved, setMoved] = useState("");
  const move = (name: ColumnName, step: -1 | 1) => {
    const next = movedBy(chosen, name, step);
    setChosen(next);
    setMoved(t("views.columns.moved", { column: columnTitle(name), place: next.indexOf(name) + 1 }));
  };
  return (
    <FormDialog title={t("views.columns.title")} action={t("views.columns.show")} busy={false} error={null} onSubmit={() => onChosen(columnsOf(chosen))} onClose={onClose}>
      <fieldset className="checks columns-order">
        <legend className="visually-hidden">{t("views.columns.title")}</legend>
        {allInOrder(chosen).map((name) => (
          <div key={name} className="plain-row">
            <label className="check">
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                disabled={!mayBeLeftOut(name)}
                onChange={(event) => setChosen(event.target.checked ? [...chosen, name] : chosen.filter((each) => each !== name))}
              />
              {columnTitle(name)}
            </label>
            {chosen.includes(name) && (
              <span className="columns-move">
                <Move name={name} step={-1} isEnd={chosen[0] === name} onMove={move} />
                <Move name={name} step={1} isEnd={chosen.at(-1) === name} onMove={move} />
              </span>
            )}
          </div>
        ))}
      </fieldset>
      <p className="visually-hidden" role="status">
        {moved}
      </p>
      <button type="button" className="button button-small" onClick={() => onChosen(null)}>
        {t("views.columns.plain")}
      </button>
    </FormDialog>
  );
}

/** At its end the button stays, so that the focus does: it only does nothing there. */
function Move({ name, step, isEnd, onMove }: { name: ColumnName; step: -1 | 1; isEnd: boolean; onMove: (name: ColumnName, step: -1 | 1) => void }) {
  return (
    <button
      type="button"
      className="button button-small"
      aria-disabled={isEnd}
      aria-label={t(step < 0 ? "views.columns.sooner" : "views.columns.later", { column: columnTitle(name) })}
      onClick={() => !isEnd && onMove(name, step)}
    >
      <Icon name={step < 0 ? "up" : "down"} />
    </button>
  );
}
