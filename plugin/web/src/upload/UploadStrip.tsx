import { Link, useLocation } from "react-router-dom";
import { t } from "../i18n";
import { isActive, totals } from "./queue";
import { useQueue } from "./useUpload";

/** On every other page: that an upload goes on, how far it is, and the way back to it. */
export function UploadStrip() {
  const queue = useQueue();
  const { pathname } = useLocation();
  if (pathname === "/upload" || !isActive(queue)) return null;
  const sum = totals(queue);
  const label = t(queue.paused ? "upload.strip.paused" : "upload.strip");
  return (
    <div className="strip">
      <span>{label}</span>
      <progress aria-label={label} max={sum.bytes + sum.files} value={sum.sent + sum.settled - sum.cancelled} />
      <span className="number">{t("upload.progress.files", { done: sum.settled, total: sum.files })}</span>
      <Link to="/upload">{t("upload.strip.open")}</Link>
    </div>
  );
}
