/** A patient: who it is, what can be done, and everything about them by date. */
import { Navigate, useParams } from "react-router-dom";
import { usePatient } from "../api/patients";
import type { Patient } from "../api/types";
import { AttachZone } from "../chart/AttachZone";
import { PatientAlerts } from "../chart/PatientAlerts";
import { Timeline } from "../chart/Timeline";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Page } from "../components/Page";
import { PersonName } from "../components/values";
import { PersonFacts } from "../components/Person";
import { nameOf, ofPatient } from "../components/whom";
import { ChangesPanel } from "../desk/ChangesPanel";
import { Differs, PatientBadges } from "../desk/Marks";
import { PatientActions } from "../desk/PatientActions";
import { t } from "../i18n";
import { RestrictionMark } from "../privacy/RestrictionMark";
import { PrintButtons } from "../printing/PrintButtons";
import { UsedAgain } from "../reconciliation/UsedAgain";

export function PatientPage() {
  const { id = "" } = useParams();
  const patient = usePatient(id);
  if (!patient.data) {
    return (
      <Page key={id} title={t("patient.title")}>
        {patient.error ? <ErrorState error={patient.error} onRetry={() => void patient.refetch()} /> : <ListSkeleton label={t("app.loading")} />}
      </Page>
    );
  }
  // A medical record number need not stay in the address and the history; our id says nothing to anybody.
  if (patient.data.id !== id) return <Navigate to={`/patients/${encodeURIComponent(patient.data.id)}`} replace />;
  return <Loaded key={id} patient={patient.data} />;
}

function Loaded({ patient }: { patient: Patient }) {
  return (
    <Page
      title={t("patient.title")}
      heading={<PersonName name={nameOf(patient)} />}
      lead={
        <p className="identity">
          <PersonFacts whom={ofPatient(patient)} />
          <PatientBadges patient={patient} />
          <RestrictionMark patientId={patient.id} />
        </p>
      }
    >
      <PatientAlerts patientId={patient.id} />
      <PatientActions patient={patient} />
      {!patient.merged_into_id && <PrintButtons patientId={patient.id} />}
      <Differs row={patient} />
      {patient.pending_change_id && <UsedAgain changeId={patient.pending_change_id} />}
      {!patient.merged_into_id && <AttachZone owner={{ patient: patient.id }} />}
      <Timeline patientId={patient.id} />
      <ChangesPanel patientId={patient.id} />
    </Page>
  );
}
