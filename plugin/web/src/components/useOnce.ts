import { useCallback, useRef } from "react";

/** For what is saved: it begins once, however often somebody presses. `busy` is drawn a moment after the press; until then a second press does nothing either. */
export function useOnce(busy: boolean) {
  const begun = useRef(false);
  return useCallback(
    (act: () => void) => {
      if (busy || begun.current) return;
      begun.current = true;
      try {
        act();
      } finally {
        setTimeout(() => (begun.current = false)); // behind that in which React Query says that it is busy
      }
    },
    [busy],
  );
}
