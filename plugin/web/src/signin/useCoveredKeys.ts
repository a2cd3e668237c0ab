import { useLayoutEffect } from "react";

const KEYS = ["keydown", "keypress", "keyup"] as const;

/** Saving or printing by the browser itself: what is covered would leave with it. */
const takesAway = ({ key, ctrlKey, metaKey }: KeyboardEvent) => (ctrlKey || metaKey) && ["s", "p"].includes(key.toLowerCase());

/**
 * While a page is covered no key reaches what listens below, wherever the focus is. Typing, Tab, Enter and Space in the
 * cover are the browser's own doing and go on; Escape does not close it, and nothing is saved or printed.
 */
export function useCoveredKeys(isCovered: boolean): void {
  useLayoutEffect(() => {
    if (!isCovered) return;
    const stop = (event: KeyboardEvent) => {
      event.stopImmediatePropagation();
      // Chromium lets a second Escape through, whatever the dialog's cancel event said.
      if (event.key === "Escape" || takesAway(event)) event.preventDefault();
    };
    for (const kind of KEYS) window.addEventListener(kind, stop, { capture: true });
    return () => {
      for (const kind of KEYS) window.removeEventListener(kind, stop, { capture: true });
    };
  }, [isCovered]);
}
