import { useState } from "react";
import { useCompared, useDecideLink, type Reconciliation } from "../api/reconciliation";
import { t } from "../i18n";
import { BesideDialog } from "./BesideDialog";
import { withFurther, type Choice } from "./choice";
import { FurtherOrders } from "./FurtherOrders";
import { newOrderBody, newOrderOf } from "./newOrder";
import { NewOrderFields } from "./NewOrderFields";

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
  const [further, setFurther] = useState<string[]>([]);
  const [typed, setTyped] = useState(() => newOrderOf(item));
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
          { verdict: isNew ? { ...choice.verdict, ...newOrderBody(typed) } : withFurther(choice.verdict, further), reason, expected },
          {
            onSuccess: (job) => {
              onStarted(job.id);
              onClose();
            },
          },
        )
      }
    >
      {choice.verdict.kind === "link" && choice.verdict.order_id && choice.verdict.patient_id && (
        <FurtherOrders patientId={choice.verdict.patient_id} orderId={choice.verdict.order_id} chosen={further} onChange={setFurther} />
      )}
      {isNew && <NewOrderFields typed={typed} onChange={setTyped} error={decide.error} />}
      <p>{t("reconciliation.confirm.text", { count: item.study.number_of_instances })}</p>
    </BesideDialog>
  );
}
