import { Link, useLocation } from "react-router-dom";
import { t } from "../i18n";
import { totals } from "./queue";
import type { Uploader } from "./uploader";
import { useQueue, useRunningUploads } from "./useUploader";

/** On every other page: that an upload goes on, how far it is, and the way back to it. */
export function UploadStrips() {
  const running = useRunningUploads();
  const here = useLocation().pathname;
  return running
    .filter(({ target }) => here !== pathOf(target.orderId))
    .map((uploader) => <Strip key={uploader.target.orderId} uploader={uploader} />);
}

function Strip({ uploader }: { uploader: Uploader }) {
  const sum = totals(useQueue(uploader));
  const label = t("upload.strip", { accession: uploader.target.accessionNumber });
  return (
    <div className="strip">
      <span>{label}</span>
      <progress aria-label={label} max={sum.bytes + sum.files} value={sum.sent + sum.settled - sum.cancelled} />
      <span className="number">{t("upload.progress.files", { done: sum.settled, total: sum.files })}</span>
      <Link to={pathOf(uploader.target.orderId)}>{t("upload.strip.open")}</Link>
    </div>
  );
}

function pathOf(orderId: string): string {
  return `/orders/${encodeURIComponent(orderId)}`;
}
