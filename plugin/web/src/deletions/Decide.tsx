import { useDecide, type Decision, type Deletion } from "../api/deletions";
import { useCurrentUser, useMay } from "../auth/permissions";
import { AskedStudy } from "../study/AskedStudy";
import { BusyButton } from "../components/BusyButton";
import { Dialog } from "../components/Dialog";
import { Problem } from "../components/Problem";
import { ReasonDialog } from "../components/ReasonDialog";
import { ViewLink } from "../components/ViewButton";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { studyTitle } from "../study/words";
import { decisionsFor, waitsFor } from "./state";

export interface Asked {
  deletion: Deletion;
  decision: Decision;
}

/** The decisions that are open to this person, or why there is none. */
export function Decide({ deletion, onAsk }: { deletion: Deletion; onAsk: (asked: Asked) => void }) {
  const { subject } = useCurrentUser();
  const mayApprove = useMay("approve_deletion");
  const mayLook = useMay("view_to_decide") && waitsFor(deletion, subject);
  const decisions = decisionsFor(deletion, subject, mayApprove);
  const isOwn = deletion.status === "pending" && deletion.requested_by === subject;
  return (
    <span className="row-actions">
      {mayLook && <ViewLink studyInstanceUid={deletion.study_instance_uid} what={studyTitle(deletion)} />}
      {decisions.map((decision) => (
        <button
          key={decision}
          type="button"
          className={decision === "approve" ? "button button-small button-danger" : "button button-small"}
          aria-label={t(`deletions.${decision}.label`, { what: studyTitle(deletion) })}
          onClick={() => onAsk({ deletion, decision })}
        >
          {t(`deletions.${decision}`)}
        </button>
      ))}
      {isOwn && <span className="second">{t(mayApprove ? "deletions.own.approver" : "deletions.own")}</span>}
    </span>
  );
}

/**
 * Asks once more before a decision.
 *
 * It stands beside the list, not in a row: the row leaves the list when somebody else decides, and what became of
 * one's own decision must still be readable then.
 */
export function ConfirmDecision({ asked: { deletion, decision }, onClose }: { asked: Asked; onClose: () => void }) {
  const decide = useDecide();
  const say = useSay();
  const confirm = (reason?: string) => {
    decide.mutate(
      { id: deletion.id, decision, ...(reason ? { reason } : {}) },
      {
        onSuccess: () => {
          say({ text: t(`deletions.${decision}.done`) });
          onClose();
        },
      },
    );
  };
  const text = (
    <>
      <AskedStudy study={deletion} />
      <p>{t(`deletions.${decision}.text`)}</p>
    </>
  );
  if (decision === "reject") {
    return (
      <ReasonDialog
        title={t(`deletions.${decision}.title`)}
        action={t(`deletions.${decision}`)}
        required={false}
        busy={decide.isPending}
        error={decide.error}
        onConfirm={confirm}
        onClose={onClose}
      >
        {text}
      </ReasonDialog>
    );
  }
  return (
    <Dialog title={t(`deletions.${decision}.title`)} onClose={onClose}>
      {text}
      <p className="small muted">{t("deletions.given", { reason: deletion.reason, who: deletion.requested_by })}</p>
      <Problem error={decide.error} />
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("action.cancel")}
        </button>
        <BusyButton className={decision === "approve" ? "button button-danger" : "button button-primary"} busy={decide.isPending} onPress={() => confirm()}>
          {t(`deletions.${decision}`)}
        </BusyButton>
      </div>
    </Dialog>
  );
}
