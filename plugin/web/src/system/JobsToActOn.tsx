import { useState } from "react";
import { useDecideOnJob, type JobDecision } from "../api/system";
import type { FailedJobAnswer } from "../api/schema";
import { useMay } from "../auth/permissions";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { Instant } from "../components/values";
import { known, t, word } from "../i18n";
import { StudyLink } from "./StudyLink";

/** Jobs that failed or are stuck; what can be decided on, those decide who keep the accounts. */
export function JobsToActOn({ jobs, label }: { jobs: readonly FailedJobAnswer[]; label: string }) {
  return (
    <ul className="stack-small small" aria-label={label}>
      {jobs.map((job) => (
        <li key={job.id} className="stack-small">
          <span>
            {word("system.job", job.kind)}: {job.status === "running" ? t("system.job.stuck") : word("job.status", job.status)}
            {job.finished_at && (
              <>
                {" · "}
                <Instant iso={job.finished_at} />
              </>
            )}
            {job.error_code && ` · ${known("problem", job.error_code) ?? job.error_code}`}
            {job.failure && ` · ${job.failure}`}
            <StudyLink uid={job.study_instance_uid} />
          </span>
          <Decisions job={job} />
        </li>
      ))}
    </ul>
  );
}

function Decisions({ job }: { job: FailedJobAnswer }) {
  const mayDecide = useMay("accounts");
  const [decision, setDecision] = useState<JobDecision | null>(null);
  if (!mayDecide || job.error_code !== "unexpected_error" || job.status === "partial") return null;
  const decisions: JobDecision[] = job.status === "running" && job.kind !== "undo" ? ["retry", "give-up"] : ["retry"];
  return (
    <span className="actions">
      {decisions.map((each) => (
        <button key={each} type="button" className="button button-small" onClick={() => setDecision(each)}>
          {t(`system.job.${each}`)}
        </button>
      ))}
      {decision && <Decide id={job.id} decision={decision} onClose={() => setDecision(null)} />}
    </span>
  );
}

function Decide({ id, decision, onClose }: { id: string; decision: JobDecision; onClose: () => void }) {
  const decide = useDecideOnJob(id);
  const say = useSay();
  const done = () => {
    say({ text: t(`system.job.${decision}.done`) });
    onClose();
  };
  return (
    <ReasonDialog
      title={t(`system.job.${decision}.title`)}
      action={t(`system.job.${decision}`)}
      danger={decision === "give-up"}
      maxLength={500}
      busy={decide.isPending}
      error={decide.error}
      onClose={onClose}
      onConfirm={(reason) => decide.mutate({ decision, reason }, { onSuccess: done })}
    >
      <p>{t(`system.job.${decision}.text`)}</p>
    </ReasonDialog>
  );
}
