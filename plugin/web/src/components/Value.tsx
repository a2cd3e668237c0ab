import { t } from "../i18n";

/** A DICOM value exactly as it stands, or as people read it; an empty one says so. */
export function Value({ text, read = text }: { text: string; read?: string | undefined }) {
  if (!text) return <span className="muted">{t("value.empty")}</span>;
  return <bdi className={read === text ? "dicom-value" : undefined}>{read}</bdi>;
}
