import { Dialog } from "../components/Dialog";
import { t } from "../i18n";
import { SHORTCUTS } from "./keys";

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("report.keys")} onClose={onClose}>
      <Keys />
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("action.close")}
        </button>
      </div>
    </Dialog>
  );
}

function Keys() {
  return (
    <ul className="plain-list shortcuts">
      {SHORTCUTS.map(({ act, keys }) => (
        <li key={act}>
          <span>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>
          {t(`report.key.${act}`)}
        </li>
      ))}
    </ul>
  );
}
