import { useState } from "react";
import { useDecideFile, useFileCompared, type Quarantined, type Target } from "../api/quarantine";
import { Person } from "../components/Person";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { ofSaid } from "../components/whom";
import { t } from "../i18n";
import { BesideDialog } from "../reconciliation/BesideDialog";
import { Picker } from "../upload/Picker";
import { SaidMore } from "./SaidMore";
import { consequence, whyWords } from "./words";

/** Whom a file is to be given to. */
export interface Recipient {
  patientId: string;
  orderId: string | null;
}

export type Asked =
  | { file: Quarantined; what: "pick" | "discard" | "reopen" }
  | { file: Quarantined; what: "give"; to: Recipient };

/** Asks once more before a decision; beside the list, whose row may leave meanwhile. */
export function Decision({ asked, onAsk, onClose }: { asked: Asked; onAsk: (asked: Asked) => void; onClose: () => void }) {
  const { file } = asked;
  if (asked.what === "pick") {
    return (
      <Picker
        hint={file.said.PatientID ?? ""}
        onClose={onClose}
        onPick={(link) => {
          if (link.kind === "automatic") return;
          const [patientId, orderId] = link.kind === "order" ? [link.order.patient_id, link.order.id] : [link.patient.id, null];
          onAsk({ file, what: "give", to: { patientId, orderId } });
        }}
      />
    );
  }
  if (asked.what === "give") return <Give file={file} to={asked.to} onClose={onClose} />;
  return <Plain file={file} decision={asked.what} onClose={onClose} />;
}

function Plain({ file, decision, onClose }: { file: Quarantined; decision: "discard" | "reopen"; onClose: () => void }) {
  const decide = useDecideFile();
  const say = useSay();
  const text = decision === "discard" ? t("quarantine.discard.text") : t(file.status === "given" ? "quarantine.reopen.given" : "quarantine.reopen.discarded");
  return (
    <ReasonDialog
      title={t(`quarantine.${decision}.title`)}
      action={t(`quarantine.${decision}.action`)}
      danger={decision === "discard"}
      maxLength={500}
      busy={decide.isPending}
      error={decide.error}
      onClose={onClose}
      onConfirm={(reason) =>
        decide.mutate(
          { id: file.id, decision, reason },
          {
            onSuccess: () => {
              say({ text: t(`quarantine.${decision}.done`) });
              onClose();
            },
          },
        )
      }
    >
      <div className="asked">
        {Object.keys(file.said).length === 0 ? (
          <strong>{t("quarantine.unreadable")}</strong>
        ) : (
          <Person whom={ofSaid(file.said)}>
            <SaidMore said={file.said} />
          </Person>
        )}
        <span className="second">{whyWords(file.code)}</span>
      </div>
      <p>{text}</p>
    </ReasonDialog>
  );
}

function Give({ file, to, onClose }: { file: Quarantined; to: Recipient; onClose: () => void }) {
  const decide = useDecideFile();
  const say = useSay();
  const [target] = useState<Target>({ patient_id: to.patientId, ...(to.orderId && { order_id: to.orderId }) });
  const compared = useFileCompared(file.id, target);
  return (
    <BesideDialog
      title={t("quarantine.give.title")}
      action={t("quarantine.give.action")}
      compared={compared}
      busy={decide.isPending}
      error={decide.error}
      onClose={onClose}
      onConfirm={(reason) =>
        decide.mutate(
          { id: file.id, decision: "give", reason, target },
          {
            onSuccess: () => {
              say({ text: t("quarantine.give.done") });
              onClose();
            },
          },
        )
      }
    >
      <p>{consequence(file, to.patientId, to.orderId)}</p>
    </BesideDialog>
  );
}
