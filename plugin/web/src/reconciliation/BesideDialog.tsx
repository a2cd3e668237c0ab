/** Asks once more before somebody gets images: who it is, both sides as the server compares them, what is in doubt, why. */
import { useRef, useState, type ReactNode } from "react";
import type { Candidate } from "../api/reconciliation";
import { CompareTable } from "../components/CompareTable";
import { contradictions, rowsOf } from "../components/comparison";
import { ListSkeleton } from "../components/DataList";
import { Doubts } from "../components/Doubts";
import { describe } from "../components/ErrorState";
import { Person } from "../components/Person";
import { ReasonDialog } from "../components/ReasonDialog";
import { ofCandidate, type Whom } from "../components/whom";
import { t } from "../i18n";
import { personName } from "../i18n/person";

interface Props {
  title: string;
  action: string;
  compared: { data: Candidate | undefined; error: Error | null };
  /** Whom the person has chosen, where that is known before the server says so. */
  whom?: Whom;
  accession?: string | null;
  busy: boolean;
  error: Error | null;
  onConfirm: (reason: string) => void;
  onClose: () => void;
  /** What will follow. */
  children: ReactNode;
}

export function BesideDialog({ title, action, compared, whom, accession, busy, error, onConfirm, onClose, children }: Props) {
  const { data } = compared;
  const doubts = contradictions(data?.evidence ?? []);
  const [confirmed, setConfirmed] = useState(false);
  const [missing, setMissing] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  const chosen = whom ?? (data && ofCandidate(data));
  const confirm = (reason: string) => {
    const asks = doubts.length > 0 && !confirmed;
    setMissing(asks);
    if (asks) box.current?.focus();
    else onConfirm(reason);
  };
  return (
    <ReasonDialog wide title={title} action={action} maxLength={500} busy={busy || !data} error={error} onClose={onClose} onConfirm={confirm}>
      {chosen && <Person whom={chosen}>{accession ?? data?.accession_number ?? t("reconciliation.no_order")}</Person>}
      {data ? (
        <CompareTable
          rows={rowsOf(data.differences, data.evidence)}
          label={t("reconciliation.compare", { patient: personName(chosen?.name) || t("patient.unknown") })}
        />
      ) : compared.error ? (
        <p role="alert" className="text-bad">
          {describe(compared.error).title}
        </p>
      ) : (
        <ListSkeleton label={t("app.loading")} rows={2} />
      )}
      {doubts.length > 0 && (
        <Doubts
          title={t("reconciliation.doubts.title")}
          doubts={doubts}
          confirm={t("review.conflict.confirm")}
          confirmed={confirmed}
          onConfirm={setConfirmed}
          box={box}
        >
          <p>{t("reconciliation.doubts.text")}</p>
          {missing && !confirmed && (
            <p role="alert" className="text-bad">
              {t("reconciliation.doubts.missing")}
            </p>
          )}
        </Doubts>
      )}
      {children}
    </ReasonDialog>
  );
}
