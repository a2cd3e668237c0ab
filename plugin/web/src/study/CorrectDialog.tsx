import { useId, useState } from "react";
import { useModifyTags, type Tag } from "../api/study";
import type { Study } from "../api/types";
import { ReasonDialog } from "../components/ReasonDialog";
import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { changesOf, correctable } from "./corrections";

interface Props {
  study: Study;
  tags: readonly Tag[];
  onStarted: (jobId: string) => void;
  onClose: () => void;
}

/** The few values a person may correct, in every image of the study, with a reason and a way back. */
export function CorrectDialog({ study, tags, onStarted, onClose }: Props) {
  const fields = correctable(study, tags);
  const [typed, setTyped] = useState(() => Object.fromEntries(fields.map(({ tag, value }) => [tag, value])));
  const [nothing, setNothing] = useState(false);
  const modify = useModifyTags(study.study_instance_uid);
  const id = useId();

  const confirm = (reason: string) => {
    const changes = changesOf(fields, typed);
    setNothing(Object.keys(changes).length === 0);
    if (Object.keys(changes).length === 0) return;
    modify.mutate(
      { changes, reason },
      {
        onSuccess: (job) => {
          onStarted(job.id);
          onClose();
        },
      },
    );
  };
  return (
    <ReasonDialog
      title={t("study.correct.title")}
      action={t("study.correct.action")}
      maxLength={500}
      busy={modify.isPending}
      error={modify.error}
      onClose={onClose}
      onConfirm={confirm}
    >
      <p>{t("study.correct.text", { count: study.number_of_instances })}</p>
      {fields.map(({ tag, fixedBy }) => (
        <div className="field" key={tag}>
          <label htmlFor={`${id}-${tag}`}>{fieldName(tag)}</label>
          <input
            id={`${id}-${tag}`}
            type={tag === "StudyDate" ? "date" : "text"}
            autoComplete="off"
            spellCheck={false}
            maxLength={64}
            readOnly={fixedBy !== null}
            value={typed[tag] ?? ""}
            aria-describedby={fixedBy ? `${id}-${tag}-why` : undefined}
            onChange={(event) => setTyped({ ...typed, [tag]: event.target.value })}
          />
          {fixedBy && (
            <p id={`${id}-${tag}-why`} className="small muted">
              {t(`study.correct.fixed.${fixedBy}`)}
            </p>
          )}
        </div>
      ))}
      {nothing && (
        <p role="alert" className="small text-bad">
          {t("study.correct.nothing")}
        </p>
      )}
    </ReasonDialog>
  );
}
