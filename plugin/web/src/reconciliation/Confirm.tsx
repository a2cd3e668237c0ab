import { useState } from "react";
import { useDecideLink, type Reconciliation } from "../api/reconciliation";
import { Fact, Facts } from "../components/Facts";
import { ReasonDialog } from "../components/ReasonDialog";
import { None, PersonName } from "../components/values";
import { t } from "../i18n";
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
  const isNew = choice.verdict.kind === "create-order";
  return (
    <ReasonDialog
      title={t(isNew ? "reconciliation.confirm.new" : "reconciliation.confirm")}
      action={t(isNew ? "reconciliation.new_order.action" : "reconciliation.accept")}
      maxLength={500}
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
      <Facts>
        <Fact label={t("reconciliation.file")}>
          <PersonName name={item.received.PatientName ?? item.study.patient_name} /> · {item.received.PatientID || <None />}
        </Fact>
        <Fact label={t("reconciliation.confirm.becomes")}>
          <strong>
            <bdi>{choice.patient}</bdi>
          </strong>{" "}
          · {t("patient.mrn.value", { mrn: choice.mrn })}
          {choice.accession && ` · ${choice.accession}`}
        </Fact>
      </Facts>
      <p>{t("reconciliation.confirm.text", { count: item.study.number_of_instances })}</p>
    </ReasonDialog>
  );
}
