/** Small things the upload pages say. Pure. */
import { modalitiesOf } from "../components/values";
import { t } from "../i18n";
import type { StudyDraft } from "./group";

/** DICOM's 20260131 as 2026-01-31; anything else as it is. */
export function isoDay(value: string): string {
  const found = /^(\d{4})(\d{2})(\d{2})$/.exec(value);
  return found ? `${found[1]}-${found[2]}-${found[3]}` : value;
}

/** "CT · Thorax" */
export function titleOf(study: StudyDraft): string {
  const modalities = modalitiesOf([...new Set(study.series.map(({ modality }) => modality).filter(Boolean))]);
  return [modalities, study.header.studyDescription || t("studies.untitled")].filter(Boolean).join(" · ");
}
