import { useState } from "react";
import { usePatient } from "../api/patients";
import { useDecideFile, type Quarantined, type Target } from "../api/quarantine";
import { ChangeTable } from "../components/ChangeTable";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { nameOf } from "../components/whom";
import { t } from "../i18n";
import { Picker } from "../upload/Picker";
import { consequence, fileTitle, whyWords } from "./words";

/** Whom a file is to be given to. */
export interface Recipient {
  patientId: string;
  order: { id: string; accession: string } | null;
}

export type Asked =
  | { file: Quarantined; what: "pick" | "discard" | "reopen" }
  | { file: Quarantined; what: "give"; to: Recipient };

const SEX: Record<string, string> = { male: "M", female: "F", other: "O" };

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
          const order = link.kind === "order" ? { id: link.order.id, accession: link.order.accession_number } : null;
          const patientId = link.kind === "order" ? link.order.patient_id : link.patient.id;
          onAsk({ file, what: "give", to: { patientId, order } });
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
      <p>
        <strong>
          <bdi>{fileTitle(file)}</bdi>
        </strong>
        <span className="second">{whyWords(file.code)}</span>
      </p>
      <p>{text}</p>
    </ReasonDialog>
  );
}

function Give({ file, to, onClose }: { file: Quarantined; to: Recipient; onClose: () => void }) {
  const decide = useDecideFile();
  const say = useSay();
  const patient = usePatient(to.patientId);
  const [target] = useState<Target>(to.order ? { order_id: to.order.id } : { patient_id: to.patientId });
  const becomes = patient.data;
  const values: [string, string][] = becomes
    ? [
        ["PatientName", nameOf(becomes)],
        ["PatientID", becomes.mrn],
        ["PatientBirthDate", (becomes.birth_date ?? "").replaceAll("-", "")],
        ["PatientSex", SEX[becomes.sex] ?? ""],
        ...(to.order ? [["AccessionNumber", to.order.accession] as [string, string]] : []),
      ]
    : [];
  return (
    <ReasonDialog
      title={t("quarantine.give.title")}
      action={t("quarantine.give.action")}
      maxLength={500}
      busy={decide.isPending || !becomes}
      error={decide.error ?? patient.error}
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
      <ChangeTable
        caption={t("quarantine.give.table")}
        changes={values.map(([tag, after]) => ({ tag, before: file.said[tag] ?? "", after: after || (file.said[tag] ?? "") }))}
      />
      <p>{consequence(file, to.patientId, to.order?.id ?? null)}</p>
    </ReasonDialog>
  );
}
