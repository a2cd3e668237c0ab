/** What the pages say about a study. Pure. */
import type { Study } from "../api/types";
import { modalitiesOf } from "../components/values";
import { formatDay, t } from "../i18n";
import { personName } from "../i18n/person";

type Named = Pick<Study, "study_description" | "modalities" | "study_instance_uid">;

export function studyWhat(study: Named): string {
  return study.study_description || modalitiesOf(study.modalities) || study.study_instance_uid;
}

/** "CT thorax, Doe, Jane": what a View button opens. */
export function studyTitle(study: Named & Pick<Study, "patient_name">): string {
  return t("view.what", { what: studyWhat(study), patient: personName(study.patient_name) || t("patient.unknown") });
}

type Counted = Pick<Study, "modalities" | "study_date" | "accession_number" | "number_of_series"> & { number_of_instances: number };

/** "CT · 24 Nov 2026 · A1 · 320 images in 4 series": what is not known is left out. */
export function studyLine({ modalities, study_date: day, accession_number: accession, number_of_instances: images, number_of_series: series }: Counted): string {
  return [modalitiesOf(modalities), formatDay(day ?? ""), accession, imageCount(images, series)].filter(Boolean).join(" · ");
}

/** "320 images in 4 series" */
export function imageCount(images: number, series: number | null | undefined): string {
  const count = t("count.images", { count: images });
  return series ? t("count.images_in_series", { images: count, series: t("count.series", { count: series }) }) : count;
}

/** A file name without anything of the patient: downloads are seen by whoever uses the computer. */
export function archiveName(study: Pick<Study, "accession_number" | "study_instance_uid">): string {
  const name = study.accession_number || study.study_instance_uid;
  return `${name.replaceAll(/[^\w.-]+/g, "_")}.zip`;
}
