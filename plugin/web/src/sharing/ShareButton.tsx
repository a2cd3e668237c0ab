/** Makes a link to a study for somebody outside, where that is switched on. */
import { lazy, Suspense, useState } from "react";
import type { Study } from "../api/types";
import { useCurrentUser } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { t } from "../i18n";

const ShareDialog = lazy(async () => ({ default: (await import("./ShareDialog")).ShareDialog }));

export function ShareButton({ study }: { study: Study }) {
  const { sharing } = useCurrentUser();
  const [isOpen, setOpen] = useState(false);
  if (!sharing || study.link_status !== "linked") return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Icon name="link" />
        {t("sharing.share")}
      </button>
      {isOpen && (
        <Suspense>
          <ShareDialog study={study} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
