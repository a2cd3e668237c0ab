/** A patient as the EHR opens one: who it is, the orders, and what the archive has. */
import { Link, Navigate, useParams } from "react-router-dom";
import { useOrdersOf, usePatient, usePatientStudies } from "../api/patients";
import type { Patient, Study } from "../api/types";
import { Blank } from "../components/Blank";
import { DataList, ListSkeleton, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Page } from "../components/Page";
import { Day, Instant, modalitiesOf, OrderStatus, OrNone, PersonName } from "../components/values";
import { PersonFacts } from "../components/Person";
import { nameOf, ofPatient } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { ChangesPanel } from "../desk/ChangesPanel";
import { Differs, PatientBadges } from "../desk/Marks";
import { PatientActions } from "../desk/PatientActions";
import { t } from "../i18n";
import { ReportsPanel } from "../reporting/ReportsPanel";
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
        </p>
      }
    >
      <PatientActions patient={patient} />
      <Differs row={patient} />
      {patient.pending_change_id && <UsedAgain changeId={patient.pending_change_id} />}
      <ReportsPanel of={{ patient: patient.id }} />
      <section className="stack-small" aria-labelledby="studies-title">
        <h2 id="studies-title">{t("studies.title")}</h2>
        <Studies patientId={patient.id} />
      </section>
      <section className="stack-small" aria-labelledby="orders-title">
        <h2 id="orders-title">{t("orders.title")}</h2>
        <Orders patient={patient} />
      </section>
      <ChangesPanel patientId={patient.id} />
    </Page>
  );
}

function Studies({ patientId }: { patientId: string }) {
  const studies = usePatientStudies(patientId);
  if (studies.error) return <ErrorState error={studies.error} onRetry={() => void studies.refetch()} />;
  if (!studies.data) return <ListSkeleton label={t("app.loading")} rows={3} />;
  const there = studies.data.filter((study) => !study.deleted_at);
  if (there.length === 0) return <Blank title={t("patient.no_studies")} text={t("order.study.none.text")} />;
  return <DataList label={t("studies.list")} columns={columns()} rows={there} rowKey={(study) => study.study_instance_uid} busy={false} />;
}

const columns = (): Column<Study>[] => [
  { key: "study", title: t("column.study"), main: true, cell: (study) => study.study_description || t("studies.untitled") },
  { key: "modality", title: t("column.modality"), cell: (study) => <OrNone>{modalitiesOf(study.modalities)}</OrNone> },
  { key: "date", title: t("column.date"), className: "number", cell: (study) => <Day iso={study.study_date} /> },
  { key: "images", title: t("column.images"), className: "number column-end", cell: (study) => study.number_of_instances },
  {
    key: "view",
    title: t("column.action"),
    className: "column-action",
    silent: true,
    cell: (study) => <ViewButton studyInstanceUid={study.study_instance_uid} what={study.study_description || study.study_instance_uid} />,
  },
];

function Orders({ patient }: { patient: Patient }) {
  const orders = useOrdersOf(patient.id);
  if (orders.error) return <ErrorState error={orders.error} onRetry={() => void orders.refetch()} />;
  if (!orders.data) return <ListSkeleton label={t("app.loading")} rows={2} />;
  if (orders.data.length === 0) return <Blank title={t("patient.no_orders")} text={t("orders.empty.text")} />;
  return (
    <ul className="plain-list panel">
      {orders.data.map((order) => (
        <li key={order.id} className="plain-row">
          <span>
            <Link to={`/orders/${encodeURIComponent(order.id)}`}>{order.description || order.accession_number}</Link>
            <span className="second muted small number">
              {order.accession_number} · {order.modality} · <Instant iso={order.scheduled_at} />
            </span>
          </span>
          <OrderStatus status={order.status} />
        </li>
      ))}
    </ul>
  );
}
