import { useStanding } from "../api/privacy";
import { useMay } from "../auth/permissions";
import { formatInstant, t } from "../i18n";

/** Beside the name of a patient whom only named people may see. */
export function RestrictionMark({ patientId }: { patientId: string | null }) {
  const standing = useStanding(useMay("read") ? patientId : null).data;
  if (!standing?.is_restricted) return null;
  return (
    <span className="badge badge-warn">
      {standing.open_until ? t("privacy.mark.until", { when: formatInstant(standing.open_until) }) : t("privacy.mark")}
    </span>
  );
}
