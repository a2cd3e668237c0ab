import { Link } from "react-router-dom";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { Fact, Facts } from "../components/Facts";
import { Day, modalitiesOf, OrNone } from "../components/values";
import { t } from "../i18n";
import { imageCount } from "./words";

export function StudyFacts({ study }: { study: Study }) {
  const mayRead = useMay("read");
  const { order_id: orderId, accession_number: accession } = study;
  return (
    <Facts>
      <Fact label={t("field.study_description")}>
        <OrNone>{study.study_description}</OrNone>
      </Fact>
      <Fact label={t("field.accession_number")}>
        {orderId && mayRead ? (
          <Link className="number" to={`/orders/${encodeURIComponent(orderId)}`} aria-label={t("study.order.open", { accession: accession ?? "" })}>
            {accession}
          </Link>
        ) : (
          <OrNone>{accession}</OrNone>
        )}
      </Fact>
      <Fact label={t("field.study_date")}>
        <Day iso={study.study_date} />
      </Fact>
      <Fact label={t("field.modality")}>
        <OrNone>{modalitiesOf(study.modalities)}</OrNone>
      </Fact>
      <Fact label={t("column.images")}>{imageCount(study.number_of_instances, study.number_of_series)}</Fact>
      {study.linked_by && <Fact label={t("study.linked_by")}>{study.linked_by}</Fact>}
      <Fact label={t("field.study_instance_uid")}>
        <span className="uid">{study.study_instance_uid}</span>
      </Fact>
    </Facts>
  );
}
