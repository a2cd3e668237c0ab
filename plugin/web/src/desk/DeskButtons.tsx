import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { EmergencyDialog } from "./EmergencyDialog";
import { PatientDialog } from "./PatientDialog";

/** Where a day at the desk begins: somebody comes, known or not. */
export function DeskButtons() {
  const mayRegister = useMay("register");
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"patient" | "emergency" | null>(null);
  const close = () => setAsking(null);
  if (!mayRegister) return null;
  return (
    <div className="actions desk-buttons">
      <button type="button" className="button button-primary" onClick={() => setAsking("patient")}>
        <Icon name="person" />
        {t("desk.patient.new")}
      </button>
      <button type="button" className="button button-danger" onClick={() => setAsking("emergency")}>
        <Icon name="alert" />
        {t("desk.emergency.title")}
      </button>
      {asking === "patient" && <PatientDialog patient={null} onDone={({ id }) => void navigate(`/patients/${encodeURIComponent(id)}`)} onClose={close} />}
      {asking === "emergency" && <EmergencyDialog onClose={close} />}
    </div>
  );
}
