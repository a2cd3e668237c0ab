import { useEffect, useRef } from "react";
import { useLocation } from "react-router-dom";
import { Brand } from "../components/Brand";
import { useIsCovered } from "../components/covered";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { Account } from "./Account";
import { Navigation } from "./Navigation";

/** The side of the page where there is no room for it: opened by a button, left by Escape, a choice or a tap beside. */
export function Menu({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const { pathname } = useLocation();
  const opened = useRef(pathname);
  const isCovered = useIsCovered();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open && !isCovered) dialog.showModal();
  }, [isCovered]);
  useEffect(() => {
    const dialog = ref.current;
    return () => dialog?.close();
  }, []);
  useEffect(() => {
    if (pathname !== opened.current) onClose();
  }, [pathname, onClose]);
  return (
    // A tap beside the menu; the keyboard has Escape, which the dialog knows by itself.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className="menu"
      aria-label={t("nav.menu")}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className="menu-inner">
        <div className="menu-head">
          <Brand />
          <button type="button" className="icon-button" aria-label={t("nav.menu.close")} onClick={onClose}>
            <Icon name="cross" />
          </button>
        </div>
        <Navigation onGo={onClose} />
        <Account />
      </div>
    </dialog>
  );
}
