import { useState } from "react";
import { useCompared, useDecideLink, type Reconciliation } from "../api/reconciliation";
import { CompareTable } from "../components/CompareTable";
import { rowsOf } from "../components/comparison";
import { ListSkeleton } from "../components/DataList";
import { describe } from "../components/ErrorState";
import { Person } from "../components/Person";
import { ReasonDialog } from "../components/ReasonDialog";
import { t } from "../i18n";
import { personName } from "../i18n/person";
import type { Choice } from "./choice";

interface Props {
  item: Reconciliation;
  choice: Choice;
  onClose: () => void;
  onStarted: (jobId: string) => void;
}

/** Both sides once more, and a reason, before a choice that no key makes. */
export function Confirm({ item, choice, onClose, onStarted }: Props) {
  const decide = useDecideLink(item.study.study_instance_uid);
  // As it was when the person looked: a second press must not overrule what somebody else did meanwhile.
  const [expected] = useState(item.version);
  const compared = useCompared(item.study.study_instance_uid, choice.verdict.kind === "unlink" ? {} : choice.verdict);
  const isNew = choice.verdict.kind === "create-order";
  return (
    <ReasonDialog
      title={t(isNew ? "reconciliation.confirm.new" : "reconciliation.confirm")}
      action={t(isNew ? "reconciliation.new_order.action" : "reconciliation.accept")}
      maxLength={500}
      busy={decide.isPending || !compared.data}
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
      <Person whom={choice.whom}>{choice.accession ?? t("reconciliation.no_order")}</Person>
      {compared.data ? (
        <CompareTable
          rows={rowsOf(compared.data.differences, compared.data.evidence)}
          label={t("reconciliation.compare", { patient: personName(choice.whom.name) || t("patient.unknown") })}
        />
      ) : compared.error ? (
        <p role="alert" className="text-bad">
          {describe(compared.error).title}
        </p>
      ) : (
        <ListSkeleton label={t("app.loading")} rows={2} />
      )}
      <p>{t("reconciliation.confirm.text", { count: item.study.number_of_instances })}</p>
    </ReasonDialog>
  );
}
