import type { Macro } from "../api/reports";
import { Dialog } from "../components/Dialog";
import { t } from "../i18n";

/** The texts that have a name; one is put in where the cursor was. */
export function MacrosDialog({ macros, onTake, onClose }: { macros: readonly Macro[]; onTake: (text: string) => void; onClose: () => void }) {
  return (
    <Dialog title={t("report.macros")} onClose={onClose}>
      <p className="muted">{t(macros.length > 0 ? "report.macros.text" : "report.macros.none")}</p>
      <ul className="plain-list">
        {macros.map(({ name, text }) => (
          <li key={name}>
            <button type="button" className="macro" onClick={() => onTake(text)}>
              <strong>.{name}</strong>
              <span>{text}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("action.close")}
        </button>
      </div>
    </Dialog>
  );
}
