import { useUploadLimits } from "../api/uploads";
import { Notice } from "../components/Notice";
import { formatBytes, t } from "../i18n";
import type { Desk } from "./desk";

const SHOWN = 20;

/** Files that the server would not take, by name and size, and what can be done about it. */
export function TooLarge({ files }: { files: Desk["tooLarge"] }) {
  const limit = useUploadLimits().data?.max_file_bytes;
  if (files.length === 0 || limit === undefined) return null;
  return (
    <Notice kind="bad" title={t("review.too_large.title", { count: files.length })}>
      <p>{t("review.too_large.text", { limit: formatBytes(limit) })}</p>
      <ul className="names" aria-label={t("review.too_large.title", { count: files.length })}>
        {files.slice(0, SHOWN).map(({ name, size }, at) => (
          <li key={at}>
            <bdi>{name}</bdi> <span className="number">({formatBytes(size)})</span>
          </li>
        ))}
      </ul>
      {files.length > SHOWN && <p className="small">{t("review.too_large.more", { count: files.length - SHOWN })}</p>}
    </Notice>
  );
}
