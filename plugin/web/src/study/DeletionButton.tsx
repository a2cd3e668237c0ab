import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { useHold, useRequestDeletion } from "../api/study";
import type { Study } from "../api/types";
import { AskedStudy } from "./AskedStudy";
import { Icon } from "../components/Icon";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

export function DeletionButton({ study }: { study: Study }) {
  const [asking, setAsking] = useState(false);
  const isHeld = Boolean(useHold(study.study_instance_uid).data);
  const request = useRequestDeletion(study.study_instance_uid);
  const navigate = useNavigate();
  const say = useSay();
  const close = () => {
    setAsking(false);
    request.reset();
  };
  return (
    <>
      {isHeld && <p id="deletion-held">{t("study.deletion.held")}</p>}
      <button
        type="button"
        className="button button-danger"
        aria-disabled={isHeld}
        aria-describedby={isHeld ? "deletion-held" : undefined}
        onClick={() => !isHeld && setAsking(true)}
      >
        <Icon name="trash" />
        {t("study.deletion.action")}
      </button>
      {asking && (
        <ReasonDialog
          title={t("study.deletion.title")}
          action={t("study.deletion.action")}
          danger
          busy={request.isPending}
          error={request.error}
          onClose={close}
          onConfirm={(reason) =>
            request.mutate(reason, {
              onSuccess: () => {
                say({ text: t("study.deletion.asked") });
                void navigate("/deletions");
              },
            })
          }
        >
          <AskedStudy study={study} />
          <p>{t("study.deletion.what")}</p>
        </ReasonDialog>
      )}
    </>
  );
}
