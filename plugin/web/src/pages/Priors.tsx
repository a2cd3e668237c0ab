/** What else the archive has of the same patient, each with the way to see it alone or beside the order's own images. */
import { Link } from "react-router-dom";
import { usePatientStudies } from "../api/patients";
import type { Order, Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { modalitiesOf } from "../components/values";
import { ViewButton } from "../components/ViewButton";
import { formatDay, t } from "../i18n";
import { hasImages } from "../day/orderWords";

export function Priors({ order }: { order: Order }) {
  const studies = usePatientStudies(order.patient_id);
  const others = (studies.data ?? []).filter((each) => each.study_instance_uid !== order.study_instance_uid && !each.deleted_at && !each.is_document);
  return (
    <section className="panel" aria-labelledby="priors-title">
      <h2 id="priors-title">{t("priors.title")}</h2>
      {!studies.data ? (
        studies.error ? (
          <ErrorState error={studies.error} onRetry={() => void studies.refetch()} />
        ) : (
          <ListSkeleton label={t("app.loading")} rows={2} />
        )
      ) : others.length === 0 ? (
        <Blank title={t("priors.none.title")} text={t("priors.none.text")} />
      ) : (
        <ul className="plain-list">
          {others.map((study) => (
            <Prior key={study.study_instance_uid} study={study} current={hasImages(order) ? order.study_instance_uid : null} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Prior({ study, current }: { study: Study; current: string | null }) {
  const mayView = useMay("view");
  const what = study.study_description || modalitiesOf(study.modalities) || study.study_instance_uid;
  return (
    <li className="plain-row">
      <span>
        <Link to={`/studies/${encodeURIComponent(study.study_instance_uid)}`}>
          <bdi>{study.study_description || t("studies.untitled")}</bdi>
        </Link>
        <span className="second muted small number">
          {[modalitiesOf(study.modalities), formatDay(study.study_date ?? ""), t("count.images", { count: study.number_of_instances })].filter(Boolean).join(" · ")}
        </span>
      </span>
      <span className="actions">
        {current && mayView && (
          <Link
            className="button button-small"
            to={`/view/${encodeURIComponent(current)}?compare=${encodeURIComponent(study.study_instance_uid)}`}
            aria-label={t("priors.compare.label", { what })}
          >
            <Icon name="compare" />
            {t("priors.compare")}
          </Link>
        )}
        <ViewButton studyInstanceUid={study.study_instance_uid} what={what} />
      </span>
    </li>
  );
}
