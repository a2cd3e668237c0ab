/** What became of one uploaded study: where it belongs and why, what was changed, what was stored. */
import { Link } from "react-router-dom";
import { usePatient } from "../api/patients";
import type { Id, Match } from "../api/types";
import { Icon, type IconName } from "../components/Icon";
import { Person } from "../components/Person";
import { ViewButton } from "../components/ViewButton";
import { ofPatient } from "../components/whom";
import { known, t } from "../i18n";
import { MadeImages } from "../made/MadeImages";
import { CoercedTable } from "./CoercedTable";
import { EvidenceList } from "./EvidenceList";
import { verdictOn, type Tone } from "./matchWords";
import type { StudyDraft } from "./group";
import type { StudyResult } from "./results";
import { partsOf } from "./said";
import { SaidOf } from "./SaidOf";
import { titleOf } from "./words";

const icons: Record<Tone, IconName> = { good: "check", warn: "question", bad: "alert" };

interface Props {
  result: StudyResult;
  /** What it was before it was sent; nothing where its header could not be read here. */
  sent: StudyDraft | undefined;
  chosenOrder: Id | null;
  /** Which of the upload's studies this is, from 1. */
  number: number;
}

export function StudyResultCard({ result, sent, chosenOrder, number }: Props) {
  const { tone, title, text } = verdictOn(result, chosenOrder);
  const kept = result.stored + result.duplicate + result.skipped;
  return (
    <article className={`result result-${tone}`} aria-label={title}>
      <header className="result-head">
        <span className="result-icon">
          <Icon name={icons[tone]} />
        </span>
        <div className="result-words">
          <h3>{title}</h3>
          <Whose patientId={result.match?.kind === "exact" ? result.match.patient_id : null} sent={sent} />
          <p>{text}</p>
          <p className="muted number">{partsOf(result)}</p>
        </div>
        {kept > 0 && (
          <div className="actions">
            <Link className="button" to={`/studies/${encodeURIComponent(result.studyInstanceUid)}`} aria-label={t("result.history_of", { number })}>
              {t("result.history")}
            </Link>
            <ViewButton primary studyInstanceUid={result.studyInstanceUid} what={t("result.view_of", { number })} />
          </div>
        )}
      </header>
      {kept > 0 && <MadeImages study={result.studyInstanceUid} />}
      {kept > 0 && result.match && <Why match={result.match} />}
      {result.coerced.length > 0 && <CoercedTable coerced={result.coerced} />}
      <p className="uid">
        <span className="muted">{known("field", "study_instance_uid")}</span> {result.studyInstanceUid}
      </p>
    </article>
  );
}

/** Whose the images are now; as long as nobody says so, whom they name themselves. */
function Whose({ patientId, sent }: { patientId: Id | null | undefined; sent: StudyDraft | undefined }) {
  const patient = usePatient(patientId).data;
  const title = sent && titleOf(sent);
  if (patient) return <Person whom={ofPatient(patient)}>{title}</Person>;
  return sent ? <SaidOf header={sent.header}>{title}</SaidOf> : null;
}

function Why({ match }: { match: Match }) {
  return (
    <section className="stack-small">
      <h4>{t("evidence.title")}</h4>
      <EvidenceList evidence={match.evidence} />
    </section>
  );
}

