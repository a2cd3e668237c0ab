/** How far the upload is: bar and counts for the eye, milestones for the ear, and what can be done. */
import { useEffect, useState } from "react";
import { Icon } from "../components/Icon";
import { formatBytes, t } from "../i18n";
import { isActive, retryableCount, totals, type Queue } from "./queue";
import { announcement, outcome, type OutcomeKind } from "./said";
import type { Uploader } from "./uploader";

const tones: Record<OutcomeKind, { className: string; icon: "check" | "alert" | "info" }> = {
  good: { className: "text-good", icon: "check" },
  warn: { className: "text-warn", icon: "alert" },
  bad: { className: "text-bad", icon: "alert" },
};

export function UploadProgress({ uploader, queue }: { uploader: Uploader; queue: Queue }) {
  const active = isActive(queue);
  const sum = totals(queue);
  const retryable = retryableCount(queue);
  const wait = useSecondsUntil(active ? queue.notBefore : 0);
  const done = sum.files > 0 && !active ? outcome(sum) : null;

  return (
    <section aria-label={t("upload.progress")} className={sum.files > 0 ? "progress" : "progress progress-idle"}>
      <p role="status" className="visually-hidden">
        {announcement(queue, wait > 0)}
      </p>
      {sum.files > 0 && (
        <>
          <div className="progress-line">
            {done ? (
              <strong className={`progress-done ${tones[done.kind].className}`}>
                <Icon name={tones[done.kind].icon} />
                {done.text}
              </strong>
            ) : (
              <strong className="number">{t("upload.progress.files", { done: sum.settled, total: sum.files })}</strong>
            )}
            {active && (
              <span className="number muted">
                {t("upload.progress.bytes", { sent: formatBytes(sum.sent), total: formatBytes(sum.bytes) })}
              </span>
            )}
          </div>
          <progress
            className={done ? `bar-${done.kind}` : undefined}
            aria-label={t("upload.progress.bar")}
            // Empty files weigh nothing, yet they are work.
            max={sum.bytes + sum.files}
            value={sum.sent + sum.settled - sum.cancelled}
          />
          <div className="progress-line">
            <span className="muted">{active && holding(queue, wait, sum.failed)}</span>
            <span className="actions">
              {active ? (
                <button type="button" className="button" onClick={() => uploader.cancel()}>
                  {t("upload.cancel")}
                </button>
              ) : (
                <>
                  <button type="button" className="button" onClick={() => uploader.clear()}>
                    {t("upload.clear")}
                  </button>
                  {retryable > 0 && (
                    <button type="button" className="button button-primary" onClick={() => uploader.retry()}>
                      {t("upload.retry", { count: retryable })}
                    </button>
                  )}
                </>
              )}
            </span>
          </div>
        </>
      )}
    </section>
  );
}

function holding(queue: Queue, wait: number, failed: number): string {
  if (queue.needsSignIn) return t("upload.progress.sign_in");
  if (wait > 0) return t("upload.progress.busy", { count: wait });
  if (failed > 0) return t("upload.progress.rejected", { count: failed });
  return t("upload.progress.sending");
}

/** Whole seconds until `moment`, counting down; 0 when it has passed. */
function useSecondsUntil(moment: number): number {
  const [, tick] = useState(0);
  const left = Math.max(0, Math.ceil((moment - Date.now()) / 1000));
  useEffect(() => {
    if (left === 0) return;
    const timer = window.setTimeout(() => tick((count) => count + 1), 500);
    return () => window.clearTimeout(timer);
  });
  return left;
}
