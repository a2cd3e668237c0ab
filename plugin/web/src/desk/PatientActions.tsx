import { useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import type { Patient } from "../api/types";
import { useMay } from "../auth/permissions";
import { Notice } from "../components/Notice";
import { t } from "../i18n";
import { MergeDialog } from "./MergeDialog";
import { OrderDialog } from "./OrderDialog";
import { PatientDialog } from "./PatientDialog";

/** What the desk can do with a patient. */
export function PatientActions({ patient }: { patient: Patient }) {
  const mayRegister = useMay("register");
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"order" | "correct" | "merge" | null>(null);
  const close = () => setAsking(null);
  if (patient.merged_into_id) return <MergedAway into={patient.merged_into_id} />;
  if (!mayRegister) return null;
  return (
    <div className="actions">
      <button type="button" className="button button-primary" onClick={() => setAsking("order")}>
        {t("desk.order.new")}
      </button>
      <button type="button" className="button" onClick={() => setAsking("correct")}>
        {t(patient.is_unidentified ? "desk.patient.identify" : "desk.patient.correct")}
      </button>
      <button type="button" className="button" onClick={() => setAsking("merge")}>
        {t("desk.merge")}
      </button>
      {asking === "order" && <OrderDialog order={null} patientId={patient.id} onDone={({ id }) => void navigate(`/orders/${encodeURIComponent(id)}`)} onClose={close} />}
      {asking === "correct" && <PatientDialog patient={patient} onDone={close} onClose={close} />}
      {asking === "merge" && (
        <MergeDialog
          patient={patient}
          onClose={close}
          onDone={(survivorId) => {
            close();
            void navigate(`/patients/${encodeURIComponent(survivorId)}`);
          }}
        />
      )}
    </div>
  );
}

function MergedAway({ into }: { into: string }) {
  return (
    <Notice kind="warn" title={t("desk.merged.title")}>
      <p>
        {t("desk.merged.text")} <Link to={`/patients/${encodeURIComponent(into)}`}>{t("desk.merged.open")}</Link>
      </p>
    </Notice>
  );
}
