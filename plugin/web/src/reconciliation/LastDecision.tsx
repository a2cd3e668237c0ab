/** What became of the decision before the study that is shown now: it can be seen again, and taken back. */
import { useState } from "react";
import { hasEnded, useJob } from "../api/jobs";
import { useReconciliation } from "../api/reconciliation";
import { useRefreshStudy } from "../api/study";
import { Icon } from "../components/Icon";
import { JobProgress } from "../components/JobProgress";
import { Person } from "../components/Person";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { UndoButton } from "../study/UndoButton";

export interface Decision {
  uid: string;
  jobId: string;
}

export function LastDecision({ decision: { uid, jobId }, onShow, onClose }: { decision: Decision; onShow: () => void; onClose: () => void }) {
  const [now, setNow] = useState(jobId);
  const refresh = useRefreshStudy(uid);
  const one = useReconciliation(uid);
  const job = useJob(now);
  const study = one.data?.study;
  if (!study) return null;
  const isLinked = job.data !== undefined && hasEnded(job.data) && now === jobId && job.data.status === "succeeded";
  return (
    <section className="panel last-decision" aria-label={t("desk.last")}>
      <p className="small muted">{t("desk.last")}</p>
      <Person whom={ofNamed(study)} />
      <JobProgress key={now} jobId={now} onEnd={refresh} />
      <p className="actions">
        <button type="button" className="button button-small" onClick={() => {
            // Whatever has become of it by now: the panel that follows must not show what it was.
            refresh();
            onShow();
          }}
        >
          {t("desk.last.show")}
        </button>
        {isLinked && <UndoButton id={jobId} study={study} onStarted={setNow} />}
        <button type="button" className="button button-small" aria-label={t("desk.last.close")} onClick={onClose}>
          <Icon name="cross" />
        </button>
      </p>
    </section>
  );
}
