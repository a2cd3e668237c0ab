import { useEffect, useMemo } from "react";
import { useApi } from "../api/context";
import { isForPage } from "../components/pressed";
import { useShortcuts } from "../components/Shortcuts";
import { t } from "../i18n";

/** Shift+L, from everywhere but a field: whoever leaves the desk needs no menu for it. */
export function LockKey() {
  const { session } = useApi();
  useShortcuts(useMemo(() => [{ keys: ["Shift", "L"], does: t("lock.now.shortcut") }], []));
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "L" || !isForPage(event)) return;
      event.preventDefault();
      session.lock();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [session]);
  return null;
}
