import { useSyncExternalStore } from "react";

/** The same width as in the style sheets. */
export const NARROW = "(max-width: 45rem)";

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => window.matchMedia(query).matches,
  );
}
