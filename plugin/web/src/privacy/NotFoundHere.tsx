import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { t } from "../i18n";
import { EmergencyDialog } from "./EmergencyDialog";

/** Below a search that found nobody: restricted patients are in no list. */
export function NotFoundHere() {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  return (
    <>
      <p className="small muted">{t("privacy.not_listed")}</p>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        {t("privacy.emergency.number")}
      </button>
      {isOpen && <EmergencyDialog whom={null} onOpened={({ patient_id: id }) => void navigate(`/patients/${id}`)} onClose={() => setOpen(false)} />}
    </>
  );
}
