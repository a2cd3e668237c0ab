import { useEffect, useState, useSyncExternalStore } from "react";
import { ApiError } from "../api/errors";
import { savedOf, useDraftStore, type Tagged } from "../api/reports";
import { Autosave } from "./autosave";

const later = (ms: number, call: () => void) => {
  const timer = window.setTimeout(call, ms);
  return () => window.clearTimeout(timer);
};

/** The draft of a report while it is written; what is left to save goes off when the page is left or closed. */
export function useAutosave(first: Tagged) {
  const store = useDraftStore(first.report.id);
  const [autosave] = useState(
    () =>
      new Autosave(savedOf(first)!, {
        later,
        save: store.save,
        load: async () => {
          const found = savedOf(await store.load());
          if (!found) throw new ApiError(409, "report_signed");
          return found;
        },
      }),
  );
  useEffect(() => {
    const leave = () => autosave.leave();
    const back = () => void autosave.flush();
    window.addEventListener("pagehide", leave);
    window.addEventListener("online", back);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("online", back);
      void autosave.flush();
    };
  }, [autosave]);
  return { autosave, ...useSyncExternalStore(autosave.subscribe, autosave.snapshot) };
}
