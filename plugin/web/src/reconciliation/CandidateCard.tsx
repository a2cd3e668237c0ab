import type { Candidate, Difference } from "../api/reconciliation";
import { Icon } from "../components/Icon";
import { Mrn, OrNone, PersonName } from "../components/values";
import { t, word } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { personName } from "../i18n/person";
import { Value } from "../study/Value";
import { EvidenceList } from "../upload/EvidenceList";

interface Props {
  candidate: Candidate;
  number: number;
  isChosen: boolean;
  isBusy: boolean;
  onChoose: () => void;
  onAccept: () => void;
}

const tones: Record<Candidate["kind"], string> = { exact: "good", probable: "accent", ambiguous: "warn", none: "plain" };

/** One patient, and perhaps an order: what the images say beside what the EHR says. */
export function CandidateCard({ candidate, number, isChosen, isBusy, onChoose, onAccept }: Props) {
  const name = personName(candidate.patient_name) || t("patient.unknown");
  return (
    <li className={isChosen ? "candidate candidate-chosen" : "candidate"} aria-current={isChosen ? "true" : undefined} onClick={onChoose}>
      <div className="candidate-head">
        <kbd>{number}</kbd>
        <div>
          <h4>
            <PersonName name={candidate.patient_name} />
          </h4>
          <p className="small muted">
            <Mrn mrn={candidate.mrn} /> ·{" "}
            {candidate.accession_number ? (
              <>
                {candidate.accession_number} <OrNone>{candidate.order_description}</OrNone>
              </>
            ) : (
              t("reconciliation.no_order")
            )}
          </p>
        </div>
        <span className={`badge badge-${tones[candidate.kind]}`}>{word("reconciliation.kind", candidate.kind)}</span>
      </div>
      <table className="compare">
        <caption className="visually-hidden">{t("reconciliation.compare", { patient: name })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("study.tags.field")}</th>
            <th scope="col">{t("reconciliation.file")}</th>
            <th scope="col">{t("reconciliation.ehr")}</th>
          </tr>
        </thead>
        <tbody>
          {candidate.differences.map((difference) => (
            <Row key={difference.tag} difference={difference} />
          ))}
        </tbody>
      </table>
      <details>
        <summary>{t("evidence.title")}</summary>
        <EvidenceList evidence={candidate.evidence} />
      </details>
      <button
        type="button"
        className={isChosen ? "button button-primary" : "button"}
        aria-disabled={isBusy}
        aria-label={t("reconciliation.accept.label", { patient: name, order: candidate.accession_number ?? t("reconciliation.no_order") })}
        onClick={() => !isBusy && onAccept()}
      >
        {isChosen && <kbd>A</kbd>}
        {t("reconciliation.accept")}
      </button>
    </li>
  );
}

/** Where both say something and it is not the same, the row is marked, by word and icon as well as by colour. */
function Row({ difference: { tag, file, ehr, differs } }: { difference: Difference }) {
  return (
    <tr className={differs ? "differs" : undefined}>
      <th scope="row">{fieldName(tag)}</th>
      <td>
        <Value text={file} />
      </td>
      <td>
        {ehr === null ? <span className="muted">{t("reconciliation.silent")}</span> : <Value text={ehr} />}
        {differs && (
          <span className="text-bad">
            {" "}
            <Icon name="alert" />
            <span className="visually-hidden">{t("evidence.differs")}</span>
          </span>
        )}
      </td>
    </tr>
  );
}
