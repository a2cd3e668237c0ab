/**
 * Takes a study away as a ZIP file.
 *
 * The token may not stand in an address, so this is no link: the answer is read here, its bytes going into the
 * browser's own store, and handed to the downloads when the archive is whole.
 */
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/errors";
import { saveAs, useFetch } from "../api/files";
import type { Study } from "../api/types";
import { readZip } from "../api/zip";
import { Icon } from "../components/Icon";
import { Problem } from "../components/Problem";
import { formatBytes, t } from "../i18n";
import { archiveName } from "./words";

const TOLD_EVERY_BYTES = 256 * 1024;

export function DownloadButton({ study }: { study: Study }) {
  const get = useFetch();
  const [bytes, setBytes] = useState<number | null>(null);
  const [done, setDone] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const start = async () => {
    const control = new AbortController();
    running.current = control;
    setProblem(null);
    setDone(false);
    setBytes(0);
    let told = 0;
    try {
      const path = `/api/v1/dicom/download/${encodeURIComponent(study.study_instance_uid)}`;
      const archive = await readZip(await get(path, "application/zip", control.signal), (count) => {
        if (count - told < TOLD_EVERY_BYTES) return;
        told = count;
        setBytes(count);
      });
      saveAs(archive, archiveName(study));
      setDone(true);
    } catch (error) {
      if (!control.signal.aborted) setProblem(error instanceof Error ? error : new ApiError(0, "cut_off"));
    } finally {
      if (running.current === control) {
        running.current = null;
        setBytes(null);
      }
    }
  };

  if (bytes !== null) {
    return (
      <div className="download stack-small">
        <p role="status" className="small">
          {t("study.download.running", { size: formatBytes(bytes) })}
        </p>
        <progress aria-label={t("study.download")} />
        <button type="button" className="button button-small" onClick={() => running.current?.abort()}>
          {t("action.cancel")}
        </button>
      </div>
    );
  }
  return (
    <>
      <button type="button" className="button" onClick={() => void start()}>
        <Icon name="down" />
        {t("study.download")}
      </button>
      <p role="status" className="small muted download">
        {done ? t("study.download.done", { name: archiveName(study) }) : ""}
      </p>
      <Problem error={problem} />
    </>
  );
}
