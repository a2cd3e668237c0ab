import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { useIsCovered } from "./covered";

interface Props {
  title: string;
  /** Called by Escape; without it the dialog stays. */
  onClose?: () => void;
  /** For a form or a list; a question needs less. */
  wide?: boolean;
  children: ReactNode;
}

/** A modal dialog: the browser's own, which keeps the focus inside and the rest inert. */
export function Dialog({ title, onClose, wide = false, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const isCovered = useIsCovered();
  // Before the content's own effects: what they focus must already be in an open dialog. On a covered page it waits, for it would stand above the cover.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open && !isCovered) dialog.showModal();
  }, [isCovered]);
  useLayoutEffect(() => {
    const dialog = ref.current;
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={wide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => {
        // Chromium lets a second Escape through, whatever the cancel event said.
        if (event.key === "Escape" && !onClose) event.preventDefault();
      }}
    >
      <h2 id={id}>{title}</h2>
      <div className="stack">{children}</div>
    </dialog>
  );
}
