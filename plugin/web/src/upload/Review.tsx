/** What was found in the files: by patient and study, what is no image, and the button that sends the rest. */
import { useMemo } from "react";
import { usePredictions, type MatchHeader } from "../api/match";
import { Notice } from "../components/Notice";
import { PersonName } from "../components/values";
import { formatDay, t } from "../i18n";
import { personName } from "../i18n/person";
import { useServices } from "../services";
import { corrected } from "./choice";
import { isEmpty, type Desk } from "./desk";
import type { PatientDraft } from "./group";
import { RefusedList } from "./RefusedList";
import { SendBar } from "./SendBar";
import { StudyCard } from "./StudyCard";
import { useDesk } from "./useUpload";
import { isoDay } from "./words";

export function Review() {
  const desk = useDesk();
  const { desk: store } = useServices();
  const headers = useMemo(() => matchHeaders(desk, store.choiceOf.bind(store)), [desk, store]);
  const predictions = usePredictions(headers, !desk.reading);
  if (isEmpty(desk)) return null;
  return (
    <>
      <Reading desk={desk} />
      {desk.patients.map((patient) => (
        <section key={patient.key} className="stack" aria-label={t("review.patient", { name: nameOf(patient) })}>
          <PatientHead patient={patient} />
          {patient.studies.map((study) => (
            <StudyCard
              key={study.uid}
              study={study}
              choice={store.choiceOf(study.uid)}
              pictures={desk.pictures}
              asking={desk.reading || predictions.isFetching}
              prediction={predictions.data?.get(study.uid) ?? null}
            />
          ))}
        </section>
      ))}
      <Damaged desk={desk} onChange={(wished) => store.sendDamaged(wished)} />
      <RefusedList refused={desk.refused} />
      <SendBar desk={desk} />
    </>
  );
}

function Reading({ desk }: { desk: Desk }) {
  const { read, known, reading } = desk;
  return (
    <div className="progress">
      <p role="status" className="list-said muted">
        {reading ? t("review.reading", { read, known }) : t("review.read", { count: known })}
      </p>
      {reading && <progress aria-label={t("review.reading.bar")} max={Math.max(1, known)} value={read} />}
    </div>
  );
}

function PatientHead({ patient }: { patient: PatientDraft }) {
  const { patientId, birthDate } = patient.header;
  return (
    <div className="patient-head">
      <h2>
        <PersonName name={patient.header.patientName} />
      </h2>
      <p className="muted number">
        {t("review.patient.id", { id: patientId || t("value.empty") })}
        {birthDate && ` · ${t("review.born", { date: formatDay(isoDay(birthDate)) })}`}
      </p>
    </div>
  );
}

function Damaged({ desk, onChange }: { desk: Desk; onChange: (wished: boolean) => void }) {
  if (desk.damaged.length === 0) return null;
  return (
    <Notice kind="warn" title={t("review.damaged.title", { count: desk.damaged.length })}>
      <p>{t("review.damaged.text")}</p>
      <ul className="names">
        {desk.damaged.slice(0, 20).map(({ id, name }) => (
          <li key={id}>
            <bdi>{name}</bdi>
          </li>
        ))}
      </ul>
      <label className="check">
        <input type="checkbox" checked={desk.sendDamaged} onChange={(event) => onChange(event.target.checked)} />
        {t("review.damaged.send")}
      </label>
    </Notice>
  );
}

function nameOf(patient: PatientDraft): string {
  return personName(patient.header.patientName) || t("patient.unknown");
}

function matchHeaders(desk: Desk, choiceOf: (uid: string) => { tags: Readonly<Record<string, string>> }): MatchHeader[] {
  if (desk.reading) return [];
  return desk.patients
    .flatMap(({ studies }) => studies)
    .map(({ uid, header: read }) => {
      const header = corrected(read, choiceOf(uid).tags);
      return {
        ref: uid,
        patient_id: header.patientId,
        patient_name: header.patientName,
        patient_birth_date: header.birthDate,
        patient_sex: header.sex,
        accession_number: header.accessionNumber,
        study_instance_uid: uid,
        modality: header.modality,
        study_date: header.studyDate,
      };
    });
}
