import type { ReactNode } from "react";
import { ApiError } from "../api/errors";
import { t } from "../i18n";
import { BusyButton } from "./BusyButton";
import { Dialog } from "./Dialog";
import { Problem } from "./Problem";
import { useOnce } from "./useOnce";

interface Props {
  title: string;
  action: string;
  danger?: boolean;
  wide?: boolean;
  busy: boolean;
  error: Error | null;
  /** Where somebody else has saved in between: load what is there now, to decide again. */
  onLoadAgain?: () => void;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** A form in a dialog: its fields, what went wrong, and leaving or doing it. */
export function FormDialog({ title, action, danger, wide = false, busy, error, onLoadAgain, onSubmit, onClose, children }: Props) {
  const once = useOnce(busy);
  return (
    <Dialog title={title} wide={wide} onClose={onClose}>
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          once(onSubmit);
        }}
      >
        {children}
        <Problem error={error} />
        {onLoadAgain && error instanceof ApiError && error.code === "version_changed" && (
          <button type="button" className="button" onClick={onLoadAgain}>
            {t("action.load_again")}
          </button>
        )}
        <div className="actions actions-end">
          <button type="button" className="button" onClick={onClose}>
            {t("action.cancel")}
          </button>
          <BusyButton busy={busy} className={danger ? "button button-danger" : "button button-primary"}>
            {finishing(action)}
          </BusyButton>
        </div>
      </form>
    </Dialog>
  );
}

/** The words of the button that opened the dialog, for the one that does it: nothing more is asked then. */
const finishing = (action: string) => action.replace(/…$/, "");
