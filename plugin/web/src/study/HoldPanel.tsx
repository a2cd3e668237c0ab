import { useState } from "react";
import { useHold, usePlaceHold, useReleaseHold } from "../api/study";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { AskedStudy } from "./AskedStudy";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { formatInstant, t } from "../i18n";

/** Whether the study may be deleted at all: who forbade it and why, and the way to set or lift that. */
export function HoldPanel({ study }: { study: Study }) {
  const uid = study.study_instance_uid;
  const hold = useHold(uid);
  const mayPlace = useMay("request_deletion");
  const mayRelease = useMay("approve_deletion");
  const [asking, setAsking] = useState<"place" | "release" | null>(null);
  const place = usePlaceHold(uid);
  const release = useReleaseHold(uid);
  const say = useSay();
  if (hold.data === undefined || (hold.data === null && !mayPlace)) return null;

  const act = asking === "release" ? release : place;
  const close = () => {
    setAsking(null);
    place.reset();
    release.reset();
  };
  return (
    <section className="panel" aria-labelledby="hold-title">
      <h2 id="hold-title">{t("hold.title")}</h2>
      {hold.data ? (
        <>
          <Notice kind="warn" title={t("hold.on")}>
            <p>{hold.data.reason}</p>
            <p className="small">{t("hold.by", { who: hold.data.held_by, when: formatInstant(hold.data.held_at) })}</p>
          </Notice>
          {mayRelease && (
            <button type="button" className="button" onClick={() => setAsking("release")}>
              {t("hold.release")}
            </button>
          )}
        </>
      ) : (
        <>
          <p className="muted">{t("hold.off")}</p>
          <button type="button" className="button" onClick={() => setAsking("place")}>
            <Icon name="lock" />
            {t("hold.place")}
          </button>
        </>
      )}
      {asking && (
        <ReasonDialog
          title={t(asking === "place" ? "hold.place.title" : "hold.release.title")}
          action={t(asking === "place" ? "hold.place" : "hold.release")}
          required={asking === "place"}
          busy={act.isPending}
          error={act.error}
          onClose={close}
          onConfirm={(reason) =>
            act.mutate(reason, {
              onSuccess: () => {
                say({ text: t(asking === "place" ? "hold.placed" : "hold.released") });
                close();
              },
            })
          }
        >
          <AskedStudy study={study} />
          <p>{t(asking === "place" ? "hold.place.text" : "hold.release.text")}</p>
        </ReasonDialog>
      )}
    </section>
  );
}
