import type { ReactNode } from "react";
import type { Study } from "../api/types";
import { Fact } from "../components/Facts";
import { Day, modalitiesOf, OrNone } from "../components/values";
import { t } from "../i18n";
import { imageCount } from "./words";

export type Described = Pick<Study, "study_description" | "study_date" | "modalities" | "accession_number" | "number_of_instances" | "number_of_series">;

/** The facts that tell a study from others; `accession` stands for its accession number where that is a link. */
export function WhatItIs({ study, accession }: { study: Described; accession?: ReactNode }) {
  return (
    <>
      <Fact label={t("field.study_description")}>
        <OrNone>{study.study_description}</OrNone>
      </Fact>
      <Fact label={t("field.accession_number")}>{accession ?? <OrNone>{study.accession_number}</OrNone>}</Fact>
      <Fact label={t("field.study_date")}>
        <Day iso={study.study_date} />
      </Fact>
      <Fact label={t("field.modality")}>
        <OrNone>{modalitiesOf(study.modalities)}</OrNone>
      </Fact>
      <Fact label={t("column.images")}>{imageCount(study.number_of_instances, study.number_of_series)}</Fact>
    </>
  );
}
