/** Where there is little room the list is what one sees: finding an order and registering somebody wait behind two buttons beside the heading. */
import { useEffect, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import { useMay } from "../auth/permissions";
import { Active } from "../components/Filters";
import { Icon, type IconName } from "../components/Icon";
import { isForPage } from "../components/pressed";
import { NARROW, useMedia } from "../components/useMedia";
import { t } from "../i18n";

type Fold = "find" | "new";

export interface Folds {
  isNarrow: boolean;
  /** Which of them is open; one at most. */
  open: Fold | null;
  toggle: (fold: Fold) => void;
}

export function useFolds(): Folds {
  const isNarrow = useMedia(NARROW);
  const [open, setOpen] = useState<Fold | null>(null);
  useEffect(() => {
    // Before the list's own keys go to the search: it can take the focus only where it is in sight.
    const press = (event: KeyboardEvent) => {
      if (event.key === "/" && isForPage(event)) flushSync(() => setOpen("find"));
    };
    document.addEventListener("keydown", press, { capture: true });
    return () => document.removeEventListener("keydown", press, { capture: true });
  }, []);
  return { isNarrow, open, toggle: (fold) => setOpen((before) => (before === fold ? null : fold)) };
}

/** Beside the heading. `asked`: of each thing that narrows the list what it asks for, "" where it asks for nothing. */
export function FoldButtons({ folds, asked }: { folds: Folds; asked: readonly string[] }) {
  const mayRegister = useMay("register");
  if (!folds.isNarrow) return null;
  return (
    <div className="fold-buttons">
      <FoldButton folds={folds} of="find" icon="search">
        {t("orders.fold.find")}
        <span className="visually-hidden">{t("orders.fold.find.more")}</span>
        <Active count={asked.filter(Boolean).length} />
      </FoldButton>
      {mayRegister && (
        <FoldButton folds={folds} of="new" icon="plus">
          {t("orders.fold.new")}
          <span className="visually-hidden">{t("orders.fold.new.more")}</span>
        </FoldButton>
      )}
    </div>
  );
}

function FoldButton({ folds, of, icon, children }: { folds: Folds; of: Fold; icon: IconName; children: ReactNode }) {
  return (
    <button type="button" className="button button-small fold-button" aria-expanded={folds.open === of} aria-controls={idOf(of)} onClick={() => folds.toggle(of)}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

/** What a button opens. It stays as it was left, also while it is closed or a phone is turned. */
export function Folding({ folds, of, children }: { folds: Folds; of: Fold; children: ReactNode }) {
  return (
    <div id={idOf(of)} className="folding" hidden={folds.isNarrow && folds.open !== of}>
      {children}
    </div>
  );
}

const idOf = (fold: Fold) => `orders-fold-${fold}`;
