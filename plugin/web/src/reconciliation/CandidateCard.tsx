import type { Candidate, Difference } from "../api/reconciliation";
import { Icon, type IconName } from "../components/Icon";
import { Mrn, OrNone, PersonName } from "../components/values";
import { t, word } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { personName } from "../i18n/person";
import { Value } from "../components/Value";
import { EvidenceList } from "../upload/EvidenceList";
import { markOf, type Mark } from "./choice";

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
            <Row key={difference.tag} difference={difference} mark={markOf(difference, candidate.evidence)} />
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
        {t("reconciliation.accept")}
      </button>
    </li>
  );
}

/** What a link would change is marked, by word and icon as well as by colour; a contradiction more than the rest. */
function Row({ difference: { tag, file, ehr }, mark }: { difference: Difference; mark: Mark }) {
  return (
    <tr className={`mark-${mark}`}>
      <th scope="row">{fieldName(tag)}</th>
      <td>
        <Value text={file} />
      </td>
      <td>
        {ehr === null ? <span className="muted">{t("reconciliation.silent")}</span> : <Value text={ehr} />}
        {mark !== "same" && (
          <span className="mark">
            <Icon name={icons[mark]} /> {t(`reconciliation.mark.${mark}`)}
          </span>
        )}
      </td>
    </tr>
  );
}

const icons: Record<Exclude<Mark, "same">, IconName> = { other: "alert", spelling: "edit", filled: "info" };
