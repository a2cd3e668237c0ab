import { useState } from "react";
import { useCompared, useDecideLink, type Reconciliation } from "../api/reconciliation";
import { t } from "../i18n";
import { BesideDialog } from "./BesideDialog";
import type { Choice } from "./choice";

interface Props {
  item: Reconciliation;
  choice: Choice;
  onClose: () => void;
  onStarted: (jobId: string) => void;
}

/** Before a choice that no key makes. */
export function Confirm({ item, choice, onClose, onStarted }: Props) {
  const decide = useDecideLink(item.study.study_instance_uid);
  // As it was when the person looked: a second press must not overrule what somebody else did meanwhile.
  const [expected] = useState(item.version);
  const compared = useCompared(item.study.study_instance_uid, choice.verdict.kind === "unlink" ? {} : choice.verdict);
  const isNew = choice.verdict.kind === "create-order";
  return (
    <BesideDialog
      title={t(isNew ? "reconciliation.confirm.new" : "reconciliation.confirm")}
      action={t(isNew ? "reconciliation.new_order.action" : "reconciliation.accept")}
      compared={compared}
      whom={choice.whom}
      accession={choice.accession}
      busy={decide.isPending}
      error={decide.error}
      onClose={onClose}
      onConfirm={(reason) =>
        decide.mutate(
          { verdict: choice.verdict, reason, expected },
          {
            onSuccess: (job) => {
              onStarted(job.id);
              onClose();
            },
          },
        )
      }
    >
      <p>{t("reconciliation.confirm.text", { count: item.study.number_of_instances })}</p>
    </BesideDialog>
  );
}
