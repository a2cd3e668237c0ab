import type { ReactNode } from "react";
import { t } from "../i18n";
import { Dialog } from "./Dialog";
import { Problem } from "./Problem";

interface Props {
  title: string;
  action: string;
  danger?: boolean;
  wide?: boolean;
  busy: boolean;
  error: Error | null;
  /** A way out of the error, shown below it. */
  remedy?: ReactNode;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** A form in a dialog: its fields, what went wrong, and leaving or doing it. */
export function FormDialog({ title, action, danger, wide = false, busy, error, remedy, onSubmit, onClose, children }: Props) {
  return (
    <Dialog title={title} wide={wide} onClose={onClose}>
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) onSubmit();
        }}
      >
        {children}
        <Problem error={error} />
        {remedy}
        <div className="actions actions-end">
          <button type="button" className="button" onClick={onClose}>
            {t("action.cancel")}
          </button>
          <button type="submit" className={danger ? "button button-danger" : "button button-primary"} aria-disabled={busy}>
            {busy ? t("action.busy") : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
