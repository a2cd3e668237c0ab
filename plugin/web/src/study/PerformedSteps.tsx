import { useId, useState } from "react";
import { Link } from "react-router-dom";
import { useClosePerformedStep, usePerformedSteps, type PerformedStep, type Which } from "../api/performed";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { Instant, PersonName } from "../components/values";
import { formatInstant, t, word } from "../i18n";
import { countWords, isMissingImages, isOpen } from "./performedWords";

/** What modalities have reported of an order, of a study, or all that waits; nothing where they have reported nothing. */
export function PerformedSteps({ of, title }: { of: Which; title: string }) {
  const steps = usePerformedSteps(of);
  const [closing, setClosing] = useState<PerformedStep | null>(null);
  const mayClose = useMay("reconcile");
  const id = useId();
  if (!steps.data?.length) return null;
  const isList = "waiting" in of;
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <ul className="plain-list stack">
        {steps.data.map((step) => (
          <li key={step.sop_instance_uid} className="stack-small">
            <StepLines step={step} isList={isList} />
            {isOpen(step) && mayClose && (
              <button type="button" className="button button-small" aria-label={t("performed.close.label", { title: step.ae_title, when: formatInstant(step.created_at) })} onClick={() => setClosing(step)}>
                {t("performed.close")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {closing && <CloseDialog step={closing} onClose={() => setClosing(null)} />}
    </section>
  );
}

function StepLines({ step, isList }: { step: PerformedStep; isList: boolean }) {
  const count = countWords(step);
  const isMissing = isMissingImages(step);
  return (
    <div>
      <p>
        <strong>{word("performed.status", step.status)}</strong> · {[step.ae_title, step.description ?? step.modality].filter(Boolean).join(", ")}
        {step.started_at && (
          <>
            {" "}
            · <Instant iso={step.started_at} />
          </>
        )}
      </p>
      {isList && (
        <p className="small">
          {step.original_patient_name ? <PersonName name={step.original_patient_name} /> : t("patient.unknown")}
          {step.original_patient_id && <span className="number"> {step.original_patient_id}</span>}
          {step.orders.length === 0 && step.original_accession_number && <span className="number"> · {step.original_accession_number}</span>}
          {step.orders.map((order) => (
            <span key={order.id}>
              {" · "}
              <Link to={`/orders/${encodeURIComponent(order.id)}`}>{t("order.title", { accession: order.accession_number })}</Link>
            </span>
          ))}
          {step.study_instance_uid && (
            <>
              {" · "}
              <Link to={studyAddress(step, step.study_instance_uid)}>{t("study.title")}</Link>
            </>
          )}
        </p>
      )}
      {count && (
        <p className={isMissing ? "small text-bad" : "small muted"}>
          {isMissing && <Icon name="alert" />} {count}
        </p>
      )}
      {step.orders.length === 0 && <p className="small muted">{t("performed.no_order")}</p>}
      {step.discontinuation_reason && <p className="small">{t("performed.reason", { reason: step.discontinuation_reason })}</p>}
      {step.closed_by && step.closed_at && (
        <p className="small muted">{t("performed.closed", { by: step.closed_by, at: formatInstant(step.closed_at), reason: step.close_reason ?? "" })}</p>
      )}
    </div>
  );
}

/** Where its study is linked to an order, or where it is shown. */
function studyAddress(step: PerformedStep, uid: string): string {
  return step.orders.length > 0 ? `/studies/${encodeURIComponent(uid)}` : `/reconciliation?study=${encodeURIComponent(uid)}`;
}

function CloseDialog({ step, onClose }: { step: PerformedStep; onClose: () => void }) {
  const close = useClosePerformedStep();
  const say = useSay();
  return (
    <ReasonDialog
      title={t("performed.close.title")}
      action={t("performed.close")}
      busy={close.isPending}
      error={close.error}
      onClose={onClose}
      onConfirm={(reason) =>
        close.mutate(
          { uid: step.sop_instance_uid, reason },
          {
            onSuccess: () => {
              say({ text: t("performed.close.done") });
              onClose();
            },
          },
        )
      }
    >
      <StepLines step={step} isList />
      <p>{t("performed.close.text")}</p>
    </ReasonDialog>
  );
}
