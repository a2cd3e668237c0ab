import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useReconciliation, useWaitingOf } from "../api/reconciliation";
import { useRefreshStudy, useStudyTags } from "../api/study";
import type { Study } from "../api/types";
import { ListSkeleton } from "../components/DataList";
import { useMay } from "../auth/permissions";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { JobProgress } from "../components/JobProgress";
import { Notice } from "../components/Notice";
import { namesakes, ofCandidate } from "../components/whom";
import { NARROW, useMedia } from "../components/useMedia";
import { t } from "../i18n";
import { UndoButton } from "../study/UndoButton";
import { CandidateCard } from "./CandidateCard";
import { MadeDetails } from "../made/MadeImages";
import { meaningOf, ofCandidate as ofCandidateChoice, ofLinked, type Choice } from "./choice";
import { Confirm } from "./Confirm";
import { CreatePatientDialog } from "./CreatePatientDialog";
import type { Decision } from "./LastDecision";
import { mayHaveNewOrder } from "./newOrder";
import { Search } from "./Search";
import { SplitPanel } from "./SplitPanel";
import { StudyHead } from "./StudyHead";
import { together } from "./together";
import { useAccept } from "./useAccept";

interface Props {
  uid: string;
  /** It opened because the one before was decided: a second press that was meant for that one must not decide this one. */
  isUnasked: boolean;
  onNext: (() => void) | null;
  onDecided: (decision: Decision) => void;
}

const TOO_SOON_MS = 1_000;

/** One study: what its images say, whom it could belong to, and the decision. Works by keyboard while the focus is inside. */
export function Desk({ uid, isUnasked, onNext, onDecided }: Props) {
  const one = useReconciliation(uid);
  const refresh = useRefreshStudy(uid);
  const isNarrow = useMedia(NARROW);
  const region = useRef<HTMLElement>(null);
  const shownAt = useRef(0);
  const [chosen, setChosen] = useState(0);
  const [asked, setAsked] = useState<Choice | null>(null);
  const [isCreating, setCreating] = useState(false);
  const [started, setStarted] = useState<string | null>(null);
  const item = one.data;
  const isLoaded = item !== undefined;
  useEffect(() => {
    // Beside the list it is in sight already; on a phone it begins above.
    if (!isLoaded) return;
    region.current?.focus({ preventScroll: !isNarrow });
    shownAt.current = performance.now();
  }, [isLoaded, isNarrow]);

  const decided = (jobId: string) => {
    setStarted(jobId);
    onDecided({ uid, jobId });
  };
  const accept = useAccept(uid, setAsked, decided);
  const jobId = item?.job?.id ?? started;
  const isBusy = accept.isPending || item?.job != null;
  const candidates = item?.candidates ?? [];
  const waiting = useWaitingOf(item?.received.PatientName ?? "", item !== undefined && item.why !== "linked");
  const similar = item && candidates[chosen] ? together(item, waiting.data?.items ?? [], candidates[chosen].patient_id).length : 0;
  const mayRegister = useMay("register");
  const mayCreate = mayRegister && item !== undefined && !isBusy && item.why !== "linked";
  const mayOrder = item !== undefined && !isBusy && mayHaveNewOrder(item);
  const isNamesake = namesakes(candidates.map(ofCandidate));

  const press = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const typing = target.closest("input, textarea, select, dialog") !== null;
    const key = meaningOf({ key: event.key, ctrlKey: event.ctrlKey, metaKey: event.metaKey, altKey: event.altKey, typing });
    if (key === null || event.repeat) return;
    event.preventDefault();
    if (key.kind === "accept" && isUnasked && performance.now() - shownAt.current < TOO_SOON_MS) return;
    if (key.kind === "next") onNext?.();
    else if (key.kind === "create") setCreating(mayCreate);
    else if (key.kind === "search") region.current?.querySelector<HTMLElement>("input[type=search]")?.focus();
    else if (key.kind === "order") setAsked(mayOrder ? ofLinked(item.study) : null);
    else if (key.kind === "choose") setChosen(Math.min(key.at, candidates.length - 1));
    else if (item && candidates[chosen] && !isBusy && item.why !== "linked") accept.take(candidates[chosen], item.version);
  };

  return (
    // Short cuts work while the focus is anywhere within the study.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section ref={region} className="panel desk" tabIndex={-1} aria-label={t("reconciliation.study")} onKeyDown={press}>
      {!item ? (
        one.error ? (
          <ErrorState error={one.error} onRetry={() => void one.refetch()} />
        ) : (
          <ListSkeleton label={t("app.loading")} />
        )
      ) : (
        <>
          <StudyHead item={item} onNext={onNext} />
          <MadeDetails study={uid} />
          {jobId && <JobProgress key={jobId} jobId={jobId} onEnd={refresh} />}
          <div role="alert">{accept.first}</div>
          {item.why === "linked" && !isBusy && <Linked study={item.study} onStarted={setStarted} onOrder={mayOrder ? () => setAsked(ofLinked(item.study)) : null} />}
          <h3>{t(item.why === "linked" ? "reconciliation.candidates.linked" : "reconciliation.candidates")}</h3>
          {candidates.length === 0 ? (
            <p className="muted">{t("reconciliation.candidates.none")}</p>
          ) : (
            <>
              <p className="small muted keys">{t("reconciliation.keys")}</p>
              <ol className="candidates">
                {candidates.map((candidate, at) => (
                  <CandidateCard
                    key={`${candidate.patient_id} ${candidate.order_id}`}
                    candidate={candidate}
                    number={at + 1}
                    isChosen={at === chosen}
                    isNamesake={isNamesake(ofCandidate(candidate))}
                    isBusy={isBusy}
                    onChoose={() => setChosen(at)}
                    onAccept={() => accept.take(candidate, item.version, item.why === "linked")}
                  />
                ))}
              </ol>
            </>
          )}
          {similar > 0 && candidates[chosen] && !isBusy && (
            <p>
              <button type="button" className="button" onClick={() => candidates[chosen] && setAsked(ofCandidateChoice(candidates[chosen]))}>
                {t("together.open", { count: similar + 1 })}
              </button>
            </p>
          )}
          <Search isBusy={isBusy} onChoose={setAsked} />
          {item.study.number_of_instances > 1 && <SplitPanel uid={uid} isBusy={isBusy} onStarted={setStarted} />}
          {mayCreate && (
            <div className="stack-small">
              <p className="small muted">{t("reconciliation.create.lead")}</p>
              <p>
                <button type="button" className="button" onClick={() => setCreating(true)}>
                  <Icon name="person" />
                  {t("reconciliation.create")}
                </button>
              </p>
            </div>
          )}
          {isCreating && (
            <CreatePatientDialog
              item={item}
              onKnown={(choice) => {
                setCreating(false);
                setAsked(choice);
              }}
              onStarted={decided}
              onClose={() => setCreating(false)}
            />
          )}
          {asked && <Confirm item={item} choice={asked} onClose={() => setAsked(null)} onStarted={decided} />}
        </>
      )}
    </section>
  );
}

/** It is decided; the decision can be taken back here. */
function Linked({ study, onStarted, onOrder }: { study: Study; onStarted: (jobId: string) => void; onOrder: (() => void) | null }) {
  const tags = useStudyTags(study.study_instance_uid);
  const undoable = tags.data?.modifications.find((each) => each.can_undo);
  return (
    <div className="linked-now">
      <Notice kind="good" title={t("reconciliation.linked")}>
        {undoable && <p className="small">{undoable.reason}</p>}
      </Notice>
      {onOrder && (
        <button type="button" className="button button-small" onClick={onOrder}>
          <Icon name="plus" />
          {t("desk.order.create")}
        </button>
      )}
      {undoable && <UndoButton id={undoable.id} study={study} onStarted={onStarted} />}
    </div>
  );
}
