import { useState } from "react";
import { FormDialog } from "../components/FormDialog";
import { t } from "../i18n";
import { COLUMNS, columnsOf, mayBeLeftOut, type ColumnName } from "./layout";
import { columnTitle } from "./columns";

interface Props {
  columns: readonly ColumnName[];
  /** null: those that everybody has. */
  onChosen: (columns: readonly ColumnName[] | null) => void;
  onClose: () => void;
}

export function ColumnsDialog({ columns, onChosen, onClose }: Props) {
  const [chosen, setChosen] = useState(columns);
  return (
    <FormDialog title={t("views.columns.title")} action={t("views.columns.show")} busy={false} error={null} onSubmit={() => onChosen(columnsOf(chosen))} onClose={onClose}>
      <fieldset className="checks">
        <legend className="visually-hidden">{t("views.columns.title")}</legend>
        {COLUMNS.map((name) => (
          <label key={name} className="check">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              disabled={!mayBeLeftOut(name)}
              onChange={(event) => setChosen(event.target.checked ? [...chosen, name] : chosen.filter((each) => each !== name))}
            />
            {columnTitle(name)}
          </label>
        ))}
      </fieldset>
      <button type="button" className="button button-small" onClick={() => onChosen(null)}>
        {t("views.columns.plain")}
      </button>
    </FormDialog>
  );
}
