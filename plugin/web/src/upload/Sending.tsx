/** While files are on their way, and after: all of them, study by study, and what became of each. */
import { useEffect, useMemo } from "react";
import { t } from "../i18n";
import { personName } from "../i18n/person";
import { useUploadServices } from "./context";
import type { UploadDesk } from "./desk";
import { FileLists } from "./FileLists";
import { PaperResults } from "./PaperResults";
import { isPaperGroup } from "./papers";
import { byGroup, isActive, totals, type QueuedFile } from "./queue";
import type { StudyDraft } from "./group";
import { resultsByStudy } from "./results";
import { SaidOf } from "./SaidOf";
import { StudyResultCard } from "./StudyResultCard";
import { UploadProgress } from "./UploadProgress";
import { useDesk, useQueue } from "./useUpload";
import { titleOf } from "./words";

export function Sending() {
  const { desk: store, uploader } = useUploadServices();
  const queue = useQueue();
  const desk = useDesk();
  const sent = useMemo(() => new Map(desk.patients.flatMap(({ studies }) => studies).map((study) => [study.uid, study])), [desk]);
  const active = isActive(queue);
  // Whoever pressed Send at the foot of a long review is led to the head of what comes in its place.
  useEffect(() => {
    window.scrollTo(0, 0);
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, []);
  const results = active ? [] : resultsByStudy(queue);
  const again = () => {
    uploader.clear();
    store.clear();
  };
  return (
    <>
      <div className="panel">
        <UploadProgress uploader={uploader} queue={queue} onClear={again} />
        {active && <Groups groups={byGroup(queue)} sent={sent} />}
      </div>
      {results.length > 0 && (
        <section aria-labelledby="result-title" className="panel">
          <h2 id="result-title">{t("result.title")}</h2>
          {results.map((result, at) => (
            <StudyResultCard
              key={result.studyInstanceUid}
              result={result}
              sent={sent.get(result.studyInstanceUid)}
              chosenOrder={chosenOrder(store, result.studyInstanceUid)}
              number={at + 1}
            />
          ))}
        </section>
      )}
      {!active && <PaperResults papers={desk.papers} queue={queue} />}
      <section className="panel" aria-label={t("files.title")}>
        <FileLists queue={queue} />
      </section>
    </>
  );
}

function Groups({ groups, sent }: { groups: ReadonlyMap<string, QueuedFile[]>; sent: ReadonlyMap<string, StudyDraft> }) {
  return (
    <ul className="group-progress" aria-label={t("upload.by_study")}>
      {[...groups].map(([uid, files]) => {
        const sum = totals({ files });
        const study = sent.get(uid);
        const title = study ? titleOf(study) : isPaperGroup(uid) ? (files[0]?.name ?? "") : t("upload.damaged");
        const label = study ? `${personName(study.header.patientName) || t("patient.unknown")} · ${title}` : title;
        return (
          <li key={uid}>
            {study ? <SaidOf header={study.header}>{title}</SaidOf> : title}
            <progress aria-label={label} max={sum.bytes + sum.files} value={sum.sent + sum.settled - sum.cancelled} />
            <span className="number muted small">
              {t("upload.progress.files", { done: sum.settled, total: sum.files })}
              {sum.skipped > 0 && ` · ${t("upload.part.skipped", { count: sum.skipped })}`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function chosenOrder(store: UploadDesk, uid: string): string | null {
  const { link } = store.choiceOf(uid);
  return link.kind === "order" ? link.order.id : null;
}
