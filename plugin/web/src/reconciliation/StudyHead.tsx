import { Link } from "react-router-dom";
import type { Reconciliation } from "../api/reconciliation";
import { Icon } from "../components/Icon";
import { Thumbnail } from "../components/Thumbnail";
import { PersonFacts } from "../components/Person";
import { Day, PersonName } from "../components/values";
import { useNumbers } from "../components/useNumbers";
import { ofNamed } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { t, word } from "../i18n";
import { imageCount, studyTitle, studyWhat } from "../study/words";
import { Why } from "./Why";

export function StudyHead({ item, onNext }: { item: Reconciliation; onNext: (() => void) | null }) {
  const { study, why, job, received } = item;
  const uid = study.study_instance_uid;
  const numbers = useNumbers();
  return (
    <div className="chosen-head">
      <Thumbnail uid={uid} />
      <div>
        <h2>
          <PersonName name={study.patient_name} />
        </h2>
        <p className="small">
          <PersonFacts whom={ofNamed(study)} />
          {!study.mrn && received.PatientID && <span className="muted"> · {numbers.said(t("reconciliation.file_id", { id: received.PatientID }), received.IssuerOfPatientID)}</span>}
        </p>
        <p className="small muted">
          {studyWhat(study)} · <Day iso={study.study_date} /> · {imageCount(study.number_of_instances, study.number_of_series)}
        </p>
        <p className="small">
          <Why why={why} busy={job !== null} /> <span className="muted">{word("reconciliation.why.text", why)}</span>{" "}
          {why === "withheld" && study.patient_id && <Link to={`/patients/${encodeURIComponent(study.patient_id)}`}>{t("used_again.decide")}</Link>}
        </p>
      </div>
      <div className="actions">
        <ViewButton studyInstanceUid={uid} what={studyTitle(study)} />
        <Link className="button button-small" to={`/studies/${encodeURIComponent(uid)}`}>
          {t("reconciliation.details")}
        </Link>
        {onNext && (
          <button type="button" className="button button-small" onClick={onNext}>
            {t("reconciliation.next")}
            <Icon name="next" />
          </button>
        )}
      </div>
    </div>
  );
}
