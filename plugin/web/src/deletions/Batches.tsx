import { useState } from "react";
import { useBatches, useDecideBatch, type Batch, type BatchDecision, type Done, type Proposed } from "../api/retention";
import { useCurrentUser, useMay } from "../auth/permissions";
import { BusyButton } from "../components/BusyButton";
import { Dialog } from "../components/Dialog";
import { Person } from "../components/Person";
import { Problem } from "../components/Problem";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { Day, Instant, modalitiesOf, OrNone } from "../components/values";
import { ofNamed } from "../components/whom";
import { formatDay, t } from "../i18n";
import { imageCount, studyWhat } from "../study/words";
import { LeftOut } from "./LeftOut";

interface Asked {
  batch: Batch;
  decision: BatchDecision;
}

/** The requests that were made together and wait: one decision for all of them, after a look at how many and which. */
export function Batches() {
  const batches = useBatches().data ?? [];
  const [asked, setAsked] = useState<Asked | null>(null);
  const [done, setDone] = useState<Done>();
  if (batches.length === 0 && !asked && !done?.left_out.length) return null;
  return (
    <section className="panel" aria-labelledby="batches-title">
      <h2 id="batches-title">{t("batches.title")}</h2>
      <p className="muted">{t("batches.lead")}</p>
      <LeftOut done={done} />
      <ul className="cards">
        {batches.map((batch) => (
          <li key={batch.batch_id} className="card">
            <div className="card-main">
              {t("batch.studies", { count: batch.number_of_studies })}, {imageCount(batch.number_of_instances, null)}
            </div>
            <p className="small">
              {span(batch)}. {batch.reason}. <bdi>{batch.requested_by}</bdi>, <Instant iso={batch.requested_at} />
            </p>
            <Decisions batch={batch} onAsk={(decision) => setAsked({ batch, decision })} />
          </li>
        ))}
      </ul>
      {asked && <ConfirmBatch asked={asked} onDone={setDone} onClose={() => setAsked(null)} />}
    </section>
  );
}

const span = ({ first_date, last_date }: Batch) => t("batch.span", { first: formatDay(first_date ?? ""), last: formatDay(last_date ?? "") });

function Decisions({ batch, onAsk }: { batch: Batch; onAsk: (decision: BatchDecision) => void }) {
  const { subject } = useCurrentUser();
  const mayApprove = useMay("approve_deletion");
  const isOwn = batch.requested_by === subject;
  const decisions: BatchDecision[] = isOwn ? ["withdraw"] : mayApprove ? ["approve", "reject"] : [];
  return (
    <span className="row-actions">
      {decisions.map((decision) => (
        <button key={decision} type="button" className={decision === "approve" ? "button button-small button-danger" : "button button-small"} onClick={() => onAsk(decision)}>
          {t(`batch.${decision}`, { count: batch.number_of_studies })}
        </button>
      ))}
      {isOwn && <span className="second">{t(mayApprove ? "deletions.own.approver" : "deletions.own")}</span>}
    </span>
  );
}

export function ConfirmBatch({ asked: { batch, decision }, onDone, onClose }: { asked: Asked; onDone: (done: Done) => void; onClose: () => void }) {
  const decide = useDecideBatch();
  const say = useSay();
  const count = batch.number_of_studies;
  const confirm = (reason?: string) => {
    decide.mutate(
      { batch, decision, ...(reason ? { reason } : {}) },
      {
        onSuccess: (done) => {
          say({ text: t(`batch.${decision}.done`, { count: done.number_of_studies }) });
          onDone(done);
          onClose();
        },
      },
    );
  };
  const text = (
    <>
      <p>
        {t("batch.studies", { count })}, {imageCount(batch.number_of_instances, null)}. {span(batch)}.
      </p>
      <p className="small muted">{t("deletions.given", { reason: batch.reason, who: batch.requested_by })}</p>
      <Sample studies={batch.sample} />
      <p>{t(`batch.${decision}.text`)}</p>
    </>
  );
  if (decision === "reject") {
    return (
      <ReasonDialog title={t("batch.reject.title")} action={t("batch.reject", { count })} required={false} maxLength={150} wide busy={decide.isPending} error={decide.error} onConfirm={confirm} onClose={onClose}>
        {text}
      </ReasonDialog>
    );
  }
  return (
    <Dialog title={t(`batch.${decision}.title`)} wide onClose={onClose}>
      {text}
      <Problem error={decide.error} />
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("action.cancel")}
        </button>
        <BusyButton className={decision === "approve" ? "button button-danger" : "button button-primary"} busy={decide.isPending} onPress={() => confirm()}>
          {t(`batch.${decision}`, { count })}
        </BusyButton>
      </div>
    </Dialog>
  );
}

function Sample({ studies }: { studies: readonly Proposed[] }) {
  return (
    <>
      <h3>{t("batch.sample")}</h3>
      <ul>
        {studies.map((study) => (
          <li key={study.study_instance_uid}>
            <Person whom={ofNamed(study)} /> {studyWhat(study)} · <OrNone>{modalitiesOf(study.modalities)}</OrNone> · <Day iso={study.study_date} /> ·{" "}
            {imageCount(study.number_of_instances, study.number_of_series)}
          </li>
        ))}
      </ul>
    </>
  );
}
