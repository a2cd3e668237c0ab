/**
 * Opens a study in the viewer: a new tab, or the same one on a phone.
 *
 * The new tab gets no opener, so it also gets no copy of this tab's sessionStorage, where the
 * session is. The browser then does not tell whether it blocked the tab, so a plain link follows.
 */
import { ApiError } from "../api/errors";
import { useViewerLink } from "../api/queries";
import { useMay } from "../auth/permissions";
import { t } from "../i18n";
import { useServices } from "../services";
import { Icon } from "./Icon";
import { useSay } from "./Toast";
import { NARROW } from "./useMedia";

interface Props {
  studyInstanceUid: string;
  /** What is viewed, for the button's accessible name: "CT Thorax of Doe, Jane". */
  what: string;
  primary?: boolean;
}

export function ViewButton({ studyInstanceUid, what, primary = false }: Props) {
  const may = useMay("view");
  const { uploads } = useServices();
  const say = useSay();
  const link = useViewerLink();
  if (!may) return null;

  const open = (url: string) => {
    // Leaving the page would end a running upload.
    if (window.matchMedia(NARROW).matches && uploads.running().length === 0) {
      window.location.assign(url);
      return;
    }
    window.open(url, "_blank", "noopener,noreferrer");
    say({ text: t("view.opened"), link: { href: url, label: t("view.again") } });
  };

  const press = async () => {
    if (link.isPending) return;
    say(null);
    try {
      const url = webAddress((await link.mutateAsync(studyInstanceUid)).url);
      if (url) open(url);
      else say({ text: t("view.failed"), bad: true });
    } catch (error) {
      say({ text: viewProblem(error), bad: true });
    }
  };

  return (
    <button
      type="button"
      className={primary ? "button button-primary button-view" : "button button-small button-view"}
      aria-label={t("view.label", { what })}
      aria-disabled={link.isPending}
      onClick={() => void press()}
    >
      <Icon name="view" />
      {link.isPending ? t("view.busy") : t("view.action")}
    </button>
  );
}

/** The link as an absolute http(s) address, or null: nothing else is ever opened. */
function webAddress(url: unknown): string | null {
  try {
    const address = new URL(String(url), window.location.origin);
    return /^https?:$/.test(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

function viewProblem(error: unknown): string {
  const status = error instanceof ApiError ? error.status : 0;
  if (status === 403) return t("view.forbidden");
  if (status === 404) return t("view.not_found");
  return t("view.failed");
}
