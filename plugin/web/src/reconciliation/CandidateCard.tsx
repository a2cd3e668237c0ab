import type { Candidate } from "../api/reconciliation";
import { CompareTable } from "../components/CompareTable";
import { rowsOf } from "../components/comparison";
import { Person } from "../components/Person";
import { OrNone } from "../components/values";
import { ofCandidate } from "../components/whom";
import { t, word } from "../i18n";
import { personName } from "../i18n/person";
import { EvidenceList } from "../upload/EvidenceList";

interface Props {
  candidate: Candidate;
  number: number;
  isChosen: boolean;
  /** Another candidate has this name. */
  isNamesake: boolean;
  isBusy: boolean;
  onChoose: () => void;
  onAccept: () => void;
}

const tones: Record<Candidate["kind"], string> = { exact: "good", probable: "accent", ambiguous: "warn", none: "plain" };

/** One patient, and perhaps an order: what the images say beside what the EHR says. */
export function CandidateCard({ candidate, number, isChosen, isNamesake, isBusy, onChoose, onAccept }: Props) {
  const name = personName(candidate.patient_name) || t("patient.unknown");
  return (
    // By keyboard a card is chosen with its number (Desk.tsx), and its buttons are buttons.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <li className={isChosen ? "candidate candidate-chosen" : "candidate"} aria-current={isChosen ? "true" : undefined} onClick={onChoose}>
      <div className="candidate-head">
        <kbd>{number}</kbd>
        <div>
          <h4>
            <Person whom={ofCandidate(candidate)} isNamesake={isNamesake}>
              {candidate.accession_number ? (
                <>
                  {candidate.accession_number} <OrNone>{candidate.order_description}</OrNone>
                </>
              ) : (
                t("reconciliation.no_order")
              )}
            </Person>
          </h4>
        </div>
        <span className={`badge badge-${tones[candidate.kind]}`}>{word("reconciliation.kind", candidate.kind)}</span>
      </div>
      <CompareTable rows={rowsOf(candidate.differences, candidate.evidence)} label={t("reconciliation.compare", { patient: name })} />
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
        {t("reconciliation.accept")}
      </button>
    </li>
  );
}
