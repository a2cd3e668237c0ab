import { useCallback, useId, useState } from "react";
import { useMerge, useMergePreview, type MergePreview } from "../api/desk";
import { usePatientSearch } from "../api/patients";
import type { Patient } from "../api/types";
import { Cut } from "../components/Cut";
import { ErrorState } from "../components/ErrorState";
import { SearchField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { Notice } from "../components/Notice";
import { Person } from "../components/Person";
import { useNumbers } from "../components/useNumbers";
import { useSay } from "../components/Toast";
import { Day, modalitiesOf, OrderStatus } from "../components/values";
import { ofPatient } from "../components/whom";
import { t } from "../i18n";
import { survivorOf } from "./merging";
import { ReasonField } from "./ReasonField";

interface Props {
  patient: Patient;
  onDone: (survivorId: string) => void;
  onClose: () => void;
}

/** Two records are one person: first the other record, then which of them stays, then what will change. */
export function MergeDialog({ patient, onDone, onClose }: Props) {
  const [other, setOther] = useState<Patient | null>(null);
  const [keepsThis, setKeepsThis] = useState(true);
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const merge = useMerge();
  const say = useSay();
  const [goes, stays]: readonly [Patient, Patient | null] = other && keepsThis ? [other, patient] : [patient, other];
  const preview = useMergePreview(goes.id, stays?.id ?? null);
  const choose = (chosen: Patient) => {
    setOther(chosen);
    setKeepsThis(survivorOf(patient, chosen) === patient);
  };
  const submit = () => {
    setTried(true);
    if (!stays || !preview.data || preview.isFetching || !reason.trim()) return;
    merge.mutate(
      { patientId: goes.id, into: stays.id, reason: reason.trim() },
      {
        onSuccess: () => {
          say({ text: t("desk.merge.done") });
          onDone(stays.id);
        },
      },
    );
  };
  return (
    <FormDialog title={t("desk.merge.title")} action={t("desk.merge.action")} danger wide busy={merge.isPending} error={merge.error} onSubmit={submit} onClose={onClose}>
      {!other || !stays ? (
        <>
          <p>{t("desk.merge.text")}</p>
          <Person whom={ofPatient(patient)} />
          <Choose not={patient.id} onChoose={choose} />
          {isTried && (
            <p role="alert" className="small text-bad">
              {t("desk.merge.missing")}
            </p>
          )}
        </>
      ) : (
        <>
          <Sides patient={patient} other={other} keepsThis={keepsThis} onKeep={setKeepsThis} />
          <p>
            <button type="button" className="button button-small" onClick={() => setOther(null)}>
              {t("desk.merge.other")}
            </button>
          </p>
          <div role="status">
            {preview.error ? (
              <ErrorState error={preview.error} onRetry={() => void preview.refetch()} />
            ) : preview.data && !preview.isFetching ? (
              <Preview preview={preview.data} />
            ) : (
              <p className="muted">{t("app.loading")}</p>
            )}
          </div>
          <ReasonField value={reason} onChange={setReason} isRequired problem={isTried && !reason.trim() ? t("reason.missing") : null} />
        </>
      )}
    </FormDialog>
  );
}

function Choose({ not, onChoose }: { not: string; onChoose: (patient: Patient) => void }) {
  const [q, setQ] = useState("");
  const numbers = useNumbers();
  const search = useCallback((text: string) => setQ(text), []);
  const found = usePatientSearch(q);
  const people = q ? (found.data?.items ?? []).filter(({ id, merged_into_id }) => id !== not && merged_into_id === null) : [];
  return (
    <div className="stack-small">
      <SearchField label={t("desk.merge.search")} hint={t("patients.search.hint")} value={q} onChange={search} />
      <p role="status" className="small muted">
        {q && !found.isFetching && people.length === 0 ? t("desk.merge.none") : ""}
      </p>
      <Cut shown={people.length} total={q ? (found.data?.total ?? 0) : 0} what="patients" />
      <ul className="suggestions">
        {people.map((patient) => (
          <li key={patient.id}>
            <Person whom={ofPatient(patient)} />
            <button type="button" className="button button-small" aria-label={t("desk.merge.choose.label", { number: numbers.mrn(patient) })} onClick={() => onChoose(patient)}>
              {t("desk.merge.choose")}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface SidesProps {
  patient: Patient;
  other: Patient;
  keepsThis: boolean;
  onKeep: (keepsThis: boolean) => void;
}

function Sides({ patient, other, keepsThis, onKeep }: SidesProps) {
  const id = useId();
  return (
    <fieldset className="boxes">
      <legend>{t("desk.merge.stays")}</legend>
      {[patient, other].map((each) => (
        <label key={each.id} htmlFor={`${id}-${each.id}`} className="box">
          <input id={`${id}-${each.id}`} type="radio" name={id} checked={(each === patient) === keepsThis} onChange={() => onKeep(each === patient)} />
          <Person whom={ofPatient(each)}>{each.is_unidentified && <span className="badge badge-warn">{t("desk.unidentified")}</span>}</Person>
        </label>
      ))}
    </fieldset>
  );
}

/** What will change, before it does. */
function Preview({ preview }: { preview: MergePreview }) {
  const { orders, studies, merged, survivor, restriction } = preview;
  const staying = studies.filter(({ stays }) => stays).length;
  return (
    <div className="stack-small">
      <h3>{t("desk.merge.preview")}</h3>
      <ul className="desk-preview">
        <li>{t("desk.merge.orders", { count: orders.length })}</li>
        <li>{t("desk.merge.studies", { count: studies.length - staying })}</li>
        {preview.number_of_images > 0 && <li>{t("desk.merge.images", { count: preview.number_of_images })}</li>}
        {preview.number_waiting > 0 && <li>{t("desk.merge.worklist", { count: preview.number_waiting })}</li>}
      </ul>
      {survivor.is_unidentified && !merged.is_unidentified && (
        <Notice kind="warn">
          <p>{t("desk.merge.unidentified")}</p>
        </Notice>
      )}
      {staying > 0 && (
        <Notice kind="warn">
          <p>{t("desk.merge.torn", { count: staying })}</p>
        </Notice>
      )}
      {restriction !== "none" && (
        <Notice kind="warn">
          <p>{t(`desk.merge.restricted.${restriction}`)}</p>
          {preview.open_to !== null && <p>{t("desk.merge.open_to", { count: preview.open_to })}</p>}
        </Notice>
      )}
      {orders.length + studies.length > 0 && (
        <details>
          <summary>{t("desk.merge.details")}</summary>
          <ul className="desk-preview">
            {orders.map((order) => (
              <li key={order.id}>
                <span className="number">{order.accession_number}</span> {order.modality} · {order.description} <OrderStatus status={order.status} />
              </li>
            ))}
            {studies.map((study) => (
              <li key={study.study_instance_uid}>
                {modalitiesOf(study.modalities)} · {study.study_description || t("studies.untitled")} · <Day iso={study.study_date} /> · {t("count.images", { count: study.number_of_instances })}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
