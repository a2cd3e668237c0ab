/** The sheet of shortcuts: "?" shows those of the page one is on. A page says its own with `useShortcuts`. */
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { t } from "../i18n";
import { Dialog } from "./Dialog";
import { isForPage } from "./pressed";

export interface Shortcut {
  /** As they are printed, pressed together. */
  keys: readonly string[];
  does: string;
}

interface Sheet {
  show: (of: readonly Shortcut[]) => () => void;
  open: () => void;
}

const SheetContext = createContext<Sheet>({ show: () => () => {}, open: () => {} });

export function ShortcutsProvider({ children }: { children: ReactNode }) {
  const [sets, setSets] = useState<readonly (readonly Shortcut[])[]>([]);
  const [isOpen, setOpen] = useState(false);
  const show = useCallback((of: readonly Shortcut[]) => {
    setSets((before) => [...before, of]);
    return () => setSets((before) => before.filter((each) => each !== of));
  }, []);
  const open = useCallback(() => setOpen(true), []);
  const sheet = useMemo(() => ({ show, open }), [show, open]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "?" || !isForPage(event)) return;
      event.preventDefault();
      setOpen(true);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  const all = [...sets.flat(), { keys: ["?"], does: t("shortcuts.this") }];
  return (
    <SheetContext value={sheet}>
      {children}
      {isOpen && (
        <Dialog title={t("shortcuts.title")} onClose={() => setOpen(false)}>
          <ul className="plain-list shortcuts">
            {all.map(({ keys, does }) => (
              <li key={does}>
                <span>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </span>
                {does}
              </li>
            ))}
          </ul>
          <div className="actions actions-end">
            <button type="button" className="button" onClick={() => setOpen(false)}>
              {t("action.close")}
            </button>
          </div>
        </Dialog>
      )}
    </SheetContext>
  );
}

/** As long as the component is there. `of` must stay the same object as long as it says the same. */
export function useShortcuts(of: readonly Shortcut[]): void {
  const { show } = useContext(SheetContext);
  useEffect(() => show(of), [show, of]);
}

/** A button beside what has shortcuts, for those who do not know of "?". */
export function ShortcutsButton() {
  const { open } = useContext(SheetContext);
  return (
    <button type="button" className="button button-small" onClick={open}>
      {t("shortcuts.title")} <kbd aria-hidden="true">?</kbd>
    </button>
  );
}
