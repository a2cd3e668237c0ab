import type { Study } from "../api/types";
import { Fact, Facts } from "../components/Facts";
import { Person } from "../components/Person";
import { Day, modalitiesOf, OrNone } from "../components/values";
import { ofNamed, type Named } from "../components/whom";
import { t } from "../i18n";
import { imageCount } from "./words";

type Described = Pick<Study, "study_description" | "study_date" | "modalities" | "accession_number" | "number_of_instances" | "number_of_series">;

/** The study a question is about: whose it is, and what it is. */
export function AskedStudy({ study }: { study: Named & Described }) {
  return (
    <div className="asked">
      <Person whom={ofNamed(study)} />
      <Facts across>
        <Fact label={t("field.study_description")}>
          <OrNone>{study.study_description}</OrNone>
        </Fact>
        <Fact label={t("field.study_date")}>
          <Day iso={study.study_date} />
        </Fact>
        <Fact label={t("field.modality")}>
          <OrNone>{modalitiesOf(study.modalities)}</OrNone>
        </Fact>
        <Fact label={t("field.accession_number")}>
          <OrNone>{study.accession_number}</OrNone>
        </Fact>
        <Fact label={t("column.images")}>{imageCount(study.number_of_instances, study.number_of_series)}</Fact>
      </Facts>
    </div>
  );
}
