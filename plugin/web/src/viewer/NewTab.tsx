import { useState } from "react";
import { useApi } from "../api/context";
import type { ViewerLink } from "../api/types";
import { describe } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { openedBy } from "./link";
import type { Wish } from "./useViewerSession";

/**
 * The same images in a tab of their own, for a second screen.
 *
 * With a link of its own, which lives as long as it says. The tab gets no opener, and so no copy of this tab's session.
 */
export function NewTab({ wish: { studyUid, compare, priors } }: { wish: Wish }) {
  const { ask } = useApi();
  const say = useSay();
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    try {
      const query = { compare: compare ?? undefined, priors: priors ? "auto" : undefined };
      const link = await ask<ViewerLink>(`dicom/viewer-url/${encodeURIComponent(studyUid)}`, { query });
      const opened = openedBy(link, window.location.origin);
      if (!opened) throw new Error("no address");
      // So that it is covered when our pages are locked (ohif-config/app-config.js).
      const address = opened.own ? `${opened.address}&desk` : opened.address;
      window.open(address, "_blank", "noopener,noreferrer");
      // The browser does not tell whether it blocked the tab, so a plain link follows.
      say({ text: t("viewer.tab.opened"), link: { href: address, label: t("viewer.tab.again") } });
    } catch (error) {
      say({ text: describe(error as Error).title, bad: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" className="button button-small" aria-disabled={busy} onClick={() => void (busy || open())}>
      <Icon name="view" />
      {t("viewer.tab")}
    </button>
  );
}
