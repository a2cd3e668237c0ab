/** How far the upload is: bar and counts for the eye, milestones for the ear, and what can be done. */
import { useEffect, useState } from "react";
import { Icon } from "../components/Icon";
import { formatBytes, t } from "../i18n";
import { isActive, isLookingUp, retryableCount, totals, type Queue } from "./queue";
import { announcement, outcome, type OutcomeKind } from "./said";
import type { Uploader } from "./uploader";

const tones: Record<OutcomeKind, { className: string; icon: "check" | "alert" | "info" }> = {
  good: { className: "text-good", icon: "check" },
  warn: { className: "text-warn", icon: "alert" },
  bad: { className: "text-bad", icon: "alert" },
};

/** `onClear` takes the finished upload off the page. */
export function UploadProgress({ uploader, queue, onClear }: { uploader: Uploader; queue: Queue; onClear: () => void }) {
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
                {sum.skipped > 0 && ` · ${t("upload.part.skipped", { count: sum.skipped })}`}
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
            <span className="muted">{active && holding(queue, wait, sum.failed, uploader.secondsLeft())}</span>
            <span className="actions">
              {active ? (
                <>
                  {queue.paused || wait > 0 ? (
                    <button type="button" className="button button-primary" onClick={() => uploader.resume()}>
                      <Icon name="play" />
                      {t(queue.paused ? "upload.resume" : "upload.now")}
                    </button>
                  ) : (
                    <button type="button" className="button" onClick={() => uploader.pause()}>
                      <Icon name="pause" />
                      {t("upload.pause")}
                    </button>
                  )}
                  <button type="button" className="button" onClick={() => uploader.cancel()}>
                    {t("upload.cancel")}
                  </button>
                </>
              ) : (
                <>
                  <button type="button" className="button" onClick={onClear}>
                    {t("upload.clear")}
                  </button>
                  {sum.skipped > 0 && (
                    <button type="button" className="button" onClick={() => uploader.sendAnyway()}>
                      {t("upload.anyway", { count: sum.skipped })}
                    </button>
                  )}
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

function holding(queue: Queue, wait: number, failed: number, left: number | null): string {
  if (queue.needsSignIn) return t("upload.progress.sign_in");
  if (queue.paused) return t("upload.progress.paused");
  if (wait > 0) return t(queue.offline ? "upload.progress.offline" : "upload.progress.busy", { count: wait });
  if (isLookingUp(queue) && !queue.files.some(({ state }) => state === "sending")) return t("upload.progress.asking");
  const rest = left === null ? t("upload.progress.sending") : timeLeft(left);
  return failed > 0 ? `${rest} ${t("upload.progress.rejected", { count: failed })}` : rest;
}

function timeLeft(seconds: number): string {
  if (seconds < 60) return t("upload.left.seconds", { count: seconds });
  return t("upload.left.minutes", { count: Math.ceil(seconds / 60) });
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
