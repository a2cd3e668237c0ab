import { useState } from "react";
import { useUndo } from "../api/study";
import type { Study } from "../api/types";
import { AskedStudy } from "./AskedStudy";
import { Icon } from "../components/Icon";
import { ReasonDialog } from "../components/ReasonDialog";
import { t } from "../i18n";

/** Takes a job back, to the byte. */
export function UndoButton({ id, study, onStarted }: { id: string; study: Study; onStarted: (jobId: string) => void }) {
  const [asking, setAsking] = useState(false);
  const undo = useUndo();
  const close = () => {
    setAsking(false);
    undo.reset();
  };
  return (
    <>
      <button type="button" className="button button-small" onClick={() => setAsking(true)}>
        <Icon name="history" />
        {t("study.undo")}
      </button>
      {asking && (
        <ReasonDialog
          title={t("study.undo.title")}
          action={t("study.undo")}
          maxLength={500}
          busy={undo.isPending}
          error={undo.error}
          onClose={close}
          onConfirm={(reason) =>
            undo.mutate(
              { id, reason },
              {
                onSuccess: (job) => {
                  onStarted(job.id);
                  close();
                },
              },
            )
          }
        >
          <AskedStudy study={study} />
          <p>{t("study.undo.text")}</p>
        </ReasonDialog>
      )}
    </>
  );
}
