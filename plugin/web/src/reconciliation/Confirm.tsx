import { useState } from "react";
import { useCompared, useDecideLink, useLinkTogether, useWaitingOf, type Reconciliation } from "../api/reconciliation";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { BesideDialog } from "./BesideDialog";
import { withFurther, type Choice } from "./choice";
import { FurtherOrders } from "./FurtherOrders";
import { newOrderBody, newOrderOf } from "./newOrder";
import { NewOrderFields } from "./NewOrderFields";
import { decisionOf, together } from "./together";
import { TogetherList } from "./TogetherList";

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
  const say = useSay();
  const isLink = choice.verdict.kind === "link";
  const waiting = useWaitingOf(item.received.PatientName ?? "", isLink && item.why !== "linked");
  const patientId = choice.verdict.kind === "unlink" ? "" : (choice.verdict.patient_id ?? "");
  const others = isLink && patientId ? together(item, waiting.data?.items ?? [], patientId) : [];
  const [also, setAlso] = useState<ReadonlySet<string>>(new Set());
  const link = useLinkTogether();
  const linkOthers = () => {
    const chosen = others.filter(({ item: { study } }) => also.has(study.study_instance_uid)).map(decisionOf);
    const decisions = chosen.filter((each) => each !== null);
    if (decisions.length === 0) return;
    // This dialog is gone by then: what a mutation calls itself would be lost with it.
    void link.mutateAsync(decisions).then(({ taken, asked }) => say({ text: t("together.done", { taken, asked }) }));
  };
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
              linkOthers();
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
      {isLink && <TogetherList others={others} chosen={also} onChange={setAlso} />}
      {isNew && <NewOrderFields typed={typed} onChange={setTyped} error={decide.error} />}
      <p>{t("reconciliation.confirm.text", { count: item.study.number_of_instances })}</p>
    </BesideDialog>
  );
}
