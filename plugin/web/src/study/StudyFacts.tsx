import { Link } from "react-router-dom";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { Fact, Facts } from "../components/Facts";
import { t } from "../i18n";
import { WhatItIs } from "./WhatItIs";

export function StudyFacts({ study }: { study: Study }) {
  const mayRead = useMay("read");
  const { order_id: orderId, accession_number: accession } = study;
  const order = orderId && mayRead && (
    <Link className="number" to={`/orders/${encodeURIComponent(orderId)}`} aria-label={t("study.order.open", { accession: accession ?? "" })}>
      {accession}
    </Link>
  );
  return (
    <Facts>
      <WhatItIs study={study} accession={order || undefined} />
      {study.linked_by && <Fact label={t("study.linked_by")}>{study.linked_by}</Fact>}
      <Fact label={t("field.study_instance_uid")}>
        <span className="uid">{study.study_instance_uid}</span>
      </Fact>
    </Facts>
  );
}
