/** The ways by which images leave for devices and people outside; of a restricted patient none is offered, and it is said why. */
import { useStanding } from "../api/privacy";
import type { Study } from "../api/types";
import { t } from "../i18n";
import { LastSending, SendButton } from "../study/SendButton";
import { ShareButton } from "./ShareButton";

export function LeavingActions({ study }: { study: Study }) {
  const standing = useStanding(study.patient_id);
  // Nothing is offered and taken away again; where it cannot be known, the server says it.
  if (study.patient_id !== null && standing.isPending) return null;
  if (standing.data?.is_restricted) {
    return (
      <>
        <p className="muted">{t("problem.restricted_stays_here")}</p>
        <LastSending study={study} />
      </>
    );
  }
  return (
    <>
      <SendButton study={study} />
      <ShareButton study={study} />
    </>
  );
}
