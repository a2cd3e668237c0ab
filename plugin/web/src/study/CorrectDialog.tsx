import { useState } from "react";
import { useModifyTags, type Tag } from "../api/study";
import type { Study } from "../api/types";
import { AskedStudy } from "./AskedStudy";
import { ReasonDialog } from "../components/ReasonDialog";
import { CorrectionFields } from "../corrections/CorrectionFields";
import { useSide } from "../corrections/SideConfirm";
import { t } from "../i18n";
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
  const [tried, setTried] = useState(false);
  const before = fields.find(({ tag }) => tag === "Laterality")?.value ?? "";
  const side = useSide(before, typed.Laterality ?? before, tried);
  const modify = useModifyTags(study.study_instance_uid);

  const confirm = (reason: string) => {
    const changes = changesOf(fields, typed);
    setNothing(Object.keys(changes).length === 0);
    setTried(true);
    if (Object.keys(changes).length === 0 || side.isOpen) return;
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
      <AskedStudy study={study} />
      <p>{t("study.correct.text", { count: study.number_of_instances })}</p>
      <CorrectionFields
        fields={fields.map(({ tag, fixedBy }) => ({ tag, fixed: fixedBy && t(`study.correct.fixed.${fixedBy}`) }))}
        values={typed}
        onChange={(tag, value) => setTyped((before) => ({ ...before, [tag]: value }))}
      />
      {side.question}
      {nothing && (
        <p role="alert" className="small text-bad">
          {t("study.correct.nothing")}
        </p>
      )}
    </ReasonDialog>
  );
}
