import { Fragment } from "react";
import { Link } from "react-router-dom";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { Fact, Facts } from "../components/Facts";
import { t } from "../i18n";
import { WhatItIs } from "./WhatItIs";

export function StudyFacts({ study }: { study: Study }) {
  const mayRead = useMay("read");
  const numbers = mayRead && study.order_ids.length > 0 && study.order_ids.map((order, index) => {
    const accession = study.accession_numbers[index] ?? "";
    return (
      <Fragment key={order}>
        {index > 0 && ", "}
        <Link className="number" to={`/orders/${encodeURIComponent(order)}`} aria-label={t("study.order.open", { accession })}>
          {accession}
        </Link>
      </Fragment>
    );
  });
  return (
    <Facts>
      <WhatItIs study={study} accession={numbers || undefined} />
      {study.linked_by && <Fact label={t("study.linked_by")}>{study.linked_by}</Fact>}
      <Fact label={t("field.study_instance_uid")}>
        <span className="uid">{study.study_instance_uid}</span>
      </Fact>
    </Facts>
  );
}
