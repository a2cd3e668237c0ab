/** How far a job of the server's is; asks again until it has ended. */
import { useEffect, useRef } from "react";
import { hasEnded, useJob } from "../api/jobs";
import type { Job } from "../api/types";
import { t, word } from "../i18n";
import { ErrorState } from "./ErrorState";
import { Notice } from "./Notice";

interface Props {
  jobId: string;
  /** Told once, when the job has ended, whichever way. */
  onEnd?: (job: Job) => void;
}

export function JobProgress({ jobId, onEnd }: Props) {
  const job = useJob(jobId);
  const told = useRef(false);
  useEffect(() => {
    if (!job.data || !hasEnded(job.data) || told.current) return;
    told.current = true;
    onEnd?.(job.data);
  }, [job.data, onEnd]);
  if (!job.data) {
    return job.error ? <ErrorState error={job.error} onRetry={() => void job.refetch()} /> : <p role="status">{t("app.loading")}</p>;
  }
  const { status, number_done: done, number_of_instances: count, error_message: reason } = job.data;
  const label = word("job.status", status);
  if (status === "failed" || status === "partial") {
    return (
      <Notice kind={status === "failed" ? "bad" : "warn"} title={label}>
        {reason && <p>{t("error.reason", { detail: reason })}</p>}
      </Notice>
    );
  }
  return (
    <div className="progress" role="status">
      <div className="progress-line">
        <strong>{label}</strong>
        <span className="number muted">{t("job.progress", { done, count })}</span>
      </div>
      <progress aria-label={label} className={status === "succeeded" ? "bar-good" : undefined} max={Math.max(1, count)} value={done} />
    </div>
  );
}
