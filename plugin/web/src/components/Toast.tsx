/** One short remark at the foot of the window: read aloud, never moving what is on the page. */
import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from "react";
import { t } from "../i18n";
import { Icon } from "./Icon";

export interface Remark {
  text: string;
  bad?: boolean;
  link?: { href: string; label: string };
}

type Say = (remark: Remark | null) => void;

const SayContext = createContext<Say>(() => {});

export const useSay = (): Say => useContext(SayContext);

const SHOWN_MS = 30_000;

export function ToastProvider({ children }: { children: ReactNode }) {
  const [remark, setRemark] = useState<Remark | null>(null);
  const say = useCallback((next: Remark | null) => setRemark(next), []);

  useEffect(() => {
    if (!remark) return;
    const timer = window.setTimeout(() => setRemark(null), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [remark]);

  return (
    <SayContext value={say}>
      {children}
      <div className="toast-place" role="status">
        {remark && (
          <div className={remark.bad ? "toast toast-bad" : "toast"}>
            <Icon name={remark.bad ? "alert" : "check"} />
            <span>{remark.text}</span>
            {remark.link && (
              <a href={remark.link.href} target="_blank" rel="noopener noreferrer">
                {remark.link.label}
              </a>
            )}
            <button type="button" className="icon-button" aria-label={t("toast.close")} onClick={() => setRemark(null)}>
              <Icon name="cross" />
            </button>
          </div>
        )}
      </div>
    </SayContext>
  );
}
