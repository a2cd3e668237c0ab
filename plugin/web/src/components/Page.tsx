/** One page: document title, heading that takes the focus after a navigation, content. */
import { useEffect, useRef, type ReactNode } from "react";
import { useLocation } from "react-router-dom";
import { useVisit } from "../auth/visit";
import { t } from "../i18n";
import { ListSkeleton } from "./DataList";

interface Props {
  /** For the browser's tab and history: never a patient's name. */
  title: string;
  heading?: ReactNode;
  lead?: ReactNode;
  /** The way back to the list, where there is one: not for who came from the EHR for one patient. */
  above?: ReactNode;
  /** In the heading's line. */
  beside?: ReactNode;
  /** Takes the whole width: a table of many columns. */
  isWide?: boolean;
  children: ReactNode;
}

export function Page({ title, heading, lead, above, beside, isWide = false, children }: Props) {
  const visit = useVisit();
  const headingRef = useRef<HTMLHeadingElement>(null);
  const arrivedByLink = useLocation().key !== "default";
  useEffect(() => {
    if (!arrivedByLink) return;
    window.scrollTo(0, 0);
    headingRef.current?.focus({ preventScroll: true });
    // Only when the page is entered: filters change the location as well.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <main id="content" className={isWide ? "page page-wide" : "page"} tabIndex={-1}>
      <title>{t("app.title", { page: title })}</title>
      {!visit && above}
      <div className="page-head">
        <div className="page-title">
          <h1 ref={headingRef} tabIndex={-1}>
            {heading ?? title}
          </h1>
          {beside}
        </div>
        {lead && <div className="lead">{lead}</div>}
      </div>
      {children}
    </main>
  );
}

/** While a page's own file is loaded: at its place, so that nothing jumps. */
export function PageLoading() {
  return (
    <main id="content" className="page" tabIndex={-1}>
      <div className="page-head page-head-waiting" />
      <ListSkeleton label={t("app.loading")} />
    </main>
  );
}
