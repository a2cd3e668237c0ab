import { t } from "../i18n";

/** A DICOM value exactly as it stands, as text; an empty one says so. */
export function Value({ text }: { text: string }) {
  return text ? <bdi className="dicom-value">{text}</bdi> : <span className="muted">{t("value.empty")}</span>;
}
