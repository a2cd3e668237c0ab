/** Whom files name, and the one decision for all of their studies. */
import { useState } from "react";
import { usePatient } from "../api/patients";
import { Doubts } from "../components/Doubts";
import { Person } from "../components/Person";
import { PersonName } from "../components/values";
import { ofNamed, ofPatient } from "../components/whom";
import { t } from "../i18n";
import { useUploadServices } from "./context";
import type { Link } from "./choice";
import type { PatientDraft } from "./group";
import { Picker } from "./Picker";
import { commonPatient, fits, isAskedTogether, mayFit, unique, type Reviewed } from "./review";
import { SaidFacts } from "./SaidOf";
import { hintOf } from "./StudyCard";

interface Props {
  patient: PatientDraft;
  reviews: ReadonlyMap<string, Reviewed>;
}

export function PatientHead({ patient, reviews }: Props) {
  return (
    <>
      <div className="patient-head">
        <h2>
          <PersonName name={patient.header.patientName} />
        </h2>
        <p className="muted small">
          <SaidFacts header={patient.header} />
        </p>
      </div>
      {patient.studies.length > 1 && <Decision patient={patient} reviews={reviews} />}
    </>
  );
}

/** For several studies: whose they all are. A single one is decided on its own card. */
function Decision({ patient, reviews }: Props) {
  const { desk: store } = useUploadServices();
  const [picking, setPicking] = useState(false);
  const link = store.decisionOf(patient.key);
  const count = patient.studies.length;
  const decide = (chosen: Link) => store.decide(patient.key, chosen);
  return (
    <section className="panel panel-slim decision" aria-label={t("decision.title", { count })}>
      <h3>{t("decision.title", { count })}</h3>
      {link.kind === "automatic" ? <p className="muted">{t("decision.server")}</p> : <Chosen link={link} />}
      <p role="status" className="small">
        {link.kind !== "automatic" && <Fitting patient={patient} reviews={reviews} />}
      </p>
      {link.kind === "automatic" && <Suggestion patientId={commonPatient(patient.studies.map(({ uid }) => reviews.get(uid)))} count={count} onAccept={decide} />}
      <Question patient={patient} reviews={reviews} />
      <div className="actions">
        <button type="button" className="button button-small" onClick={() => setPicking(true)}>
          {t("review.pick.all", { count })}
        </button>
        {link.kind !== "automatic" && (
          <button type="button" className="button button-small" onClick={() => decide({ kind: "automatic" })}>
            {t("decision.leave")}
          </button>
        )}
      </div>
      {picking && (
        <Picker
          hint={hintOf(patient.header)}
          onPick={(chosen) => {
            decide(chosen);
            setPicking(false);
          }}
          onClose={() => setPicking(false)}
        />
      )}
    </section>
  );
}

function Chosen({ link }: { link: Exclude<Link, { kind: "automatic" }> }) {
  if (link.kind === "patient") return <Person whom={ofPatient(link.patient)} />;
  const { order, patient } = link;
  return (
    <Person whom={patient ? ofPatient(patient) : ofNamed(order)}>
      <span className="number">{order.accession_number}</span> · {order.modality} {order.description}
    </Person>
  );
}

/** What is in doubt of the studies that are sent together, asked once for all of them. */
function Question({ patient, reviews }: Props) {
  const { desk: store } = useUploadServices();
  const asked = patient.studies.flatMap(({ uid }) => {
    const review = reviews.get(uid);
    const { decided, include, link } = store.choiceOf(uid);
    return review && include && !decided && link.kind !== "automatic" && isAskedTogether(review) ? [{ uid, review }] : [];
  });
  if (asked.length === 0) return null;
  return (
    <Doubts
      title={t("decision.conflict.title", { count: asked.length })}
      doubts={unique(asked.flatMap(({ review }) => review.doubts))}
      confirm={t("decision.conflict.confirm", { count: asked.length })}
      confirmed={asked.every(({ uid, review }) => store.choiceOf(uid).confirmed === review.question)}
      onConfirm={(said) => {
        for (const { uid, review } of asked) store.choose(uid, { confirmed: said ? review.question : "" });
      }}
    >
      <p>{t("decision.conflict.text")}</p>
    </Doubts>
  );
}

/** How many of the studies fit what was chosen for them; those that were decided alone are not counted. */
function Fitting({ patient, reviews }: Props) {
  const { desk: store } = useUploadServices();
  const together = patient.studies.filter(({ uid }) => !store.choiceOf(uid).decided);
  const known = together.map(({ uid }) => reviews.get(uid)).filter((each) => each !== undefined);
  if (known.some(({ state }) => state === "asking")) return t("where.asking");
  const fitting = known.filter(store.isDecidedFor(patient.studies[0]!.uid) ? mayFit : fits).length;
  if (together.length === 0) return t("decision.alone");
  if (fitting === together.length) return t("decision.all", { count: fitting });
  return fitting === 0 ? t("decision.no", { count: together.length }) : t("decision.some", { fit: fitting, count: together.length });
}

/** The one patient whom the server would take for all of them, to be agreed to by a person. */
function Suggestion({ patientId, count, onAccept }: { patientId: string | null; count: number; onAccept: (link: Link) => void }) {
  const patient = usePatient(patientId).data;
  if (!patientId || !patient) return null;
  return (
    <div className="decision-suggested">
      <p>{t("decision.suggested")}</p>
      <Person whom={ofPatient(patient)} />
      <div className="actions">
        <button type="button" className="button button-small button-primary" onClick={() => onAccept({ kind: "patient", patient })}>
          {t("decision.accept", { count })}
        </button>
      </div>
    </div>
  );
}
