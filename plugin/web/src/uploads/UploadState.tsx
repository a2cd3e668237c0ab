import type { UploadEntry } from "../api/uploads";
import { t, word } from "../i18n";

const tones: Record<UploadEntry["upload_status"], string> = { success: "good", partial: "warn", failed: "bad" };

export function UploadState({ entry }: { entry: UploadEntry }) {
  return (
    <>
      <span className={`badge badge-${tones[entry.upload_status]}`}>{word("uploads.status", entry.upload_status)}</span>{" "}
      {entry.is_deleted && <span className="badge badge-plain">{t("uploads.deleted")}</span>}
      {entry.interrupted_at && <span className="second text-warn">{t("uploads.interrupted")}</span>}
    </>
  );
}
