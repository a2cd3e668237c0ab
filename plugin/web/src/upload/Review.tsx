/** What was found in the files: by patient and study, what is no image, and the button that sends the rest. */
import { useEffect, useMemo } from "react";
import { usePredictions } from "../api/match";
import { Notice } from "../components/Notice";
import { t } from "../i18n";
import { personName } from "../i18n/person";
import { questionsOf } from "./choice";
import { useUploadServices } from "./context";
import { isEmpty, type Desk, type UploadDesk } from "./desk";
import type { PatientDraft } from "./group";
import { PaperList } from "./PaperList";
import { PatientHead } from "./PatientHead";
import { RefusedList } from "./RefusedList";
import { othersThanFit, reviewed, type Reviewed } from "./review";
import { SendBar } from "./SendBar";
import { StudyCard } from "./StudyCard";
import { TooLarge } from "./TooLarge";
import { useDesk } from "./useUpload";

export function Review() {
  const desk = useDesk();
  const { desk: store } = useUploadServices();
  const reviews = useReviews(desk, store);
  useLeavingOut(desk, store, reviews);
  if (isEmpty(desk)) return null;
  return (
    <>
      <Reading desk={desk} />
      {desk.patients.map((patient) => (
        <section key={patient.key} className="stack" aria-label={t("review.patient", { name: nameOf(patient) })}>
          <PatientHead patient={patient} reviews={reviews} />
          {patient.studies.map((study) => (
            <StudyCard
              key={study.uid}
              study={study}
              choice={store.choiceOf(study.uid)}
              pictures={desk.pictures}
              reviewed={reviews.get(study.uid)!}
              follows={patient.studies.length > 1 && !store.choiceOf(study.uid).decided && store.choiceOf(study.uid).link.kind !== "automatic"}
            />
          ))}
        </section>
      ))}
      <PaperList desk={desk} reviews={reviews} />
      <Damaged desk={desk} onChange={(wished) => store.sendDamaged(wished)} />
      <TooLarge files={desk.tooLarge} />
      <RefusedList refused={desk.refused} />
      <SendBar desk={desk} reviews={reviews} />
    </>
  );
}

/** By study: what the server's answers mean for it. */
function useReviews(desk: Desk, store: UploadDesk): ReadonlyMap<string, Reviewed> {
  const asked = useMemo(
    () => desk.patients.flatMap(({ studies }) => studies).map((study) => ({ uid: study.uid, link: store.choiceOf(study.uid).link, questions: questionsOf(study, store.choiceOf(study.uid)) })),
    [desk, store],
  );
  const questions = useMemo(() => (desk.reading ? [] : asked.flatMap((each) => each.questions)), [asked, desk.reading]);
  const predictions = usePredictions(questions, !desk.reading);
  return new Map(asked.map(({ uid, link, questions }) => [uid, reviewed(link, questions.map(predictions.of))]));
}

/** What was chosen for several studies is sent with those that fit; the others are somebody else's, or of another day. */
function useLeavingOut(desk: Desk, store: UploadDesk, reviews: ReadonlyMap<string, Reviewed>) {
  const strangers = desk.reading ? [] : othersThanFit(reviews, (uid) => store.choiceOf(uid), (uid) => store.isDecidedFor(uid));
  const key = strangers.join(" ");
  useEffect(() => {
    if (key) store.leaveOut(key.split(" "));
  }, [key, store]);
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
