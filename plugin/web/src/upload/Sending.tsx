/** While files are on their way, and after: all of them, study by study, and what became of each. */
import { useEffect, useMemo } from "react";
import { t } from "../i18n";
import { personName } from "../i18n/person";
import { useUploadServices } from "./context";
import type { Desk, UploadDesk } from "./desk";
import { FileLists } from "./FileLists";
import { byGroup, isActive, totals, type QueuedFile } from "./queue";
import { resultsByStudy } from "./results";
import { StudyResultCard } from "./StudyResultCard";
import { UploadProgress } from "./UploadProgress";
import { useDesk, useQueue } from "./useUpload";

export function Sending() {
  const { desk: store, uploader } = useUploadServices();
  const queue = useQueue();
  const desk = useDesk();
  const names = useMemo(() => namesOf(desk), [desk]);
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
        {active && <Groups groups={byGroup(queue)} names={names} />}
      </div>
      {results.length > 0 && (
        <section aria-labelledby="result-title" className="panel">
          <h2 id="result-title">{t("result.title")}</h2>
          {results.map((result, at) => (
            <StudyResultCard
              key={result.studyInstanceUid}
              result={result}
              name={names.get(result.studyInstanceUid) ?? ""}
              chosenOrder={chosenOrder(store, result.studyInstanceUid)}
              number={at + 1}
            />
          ))}
        </section>
      )}
      <section className="panel" aria-label={t("files.title")}>
        <FileLists queue={queue} />
      </section>
    </>
  );
}

function Groups({ groups, names }: { groups: ReadonlyMap<string, QueuedFile[]>; names: ReadonlyMap<string, string> }) {
  return (
    <ul className="group-progress" aria-label={t("upload.by_study")}>
      {[...groups].map(([uid, files]) => {
        const sum = totals({ files });
        const name = names.get(uid) ?? t("upload.damaged");
        return (
          <li key={uid}>
            <bdi>{name}</bdi>
            <progress aria-label={name} max={sum.bytes + sum.files} value={sum.sent + sum.settled - sum.cancelled} />
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

/** "Doe, Jane · CT Thorax", as it stood in the review. */
function namesOf(desk: Desk): ReadonlyMap<string, string> {
  const all = desk.patients.flatMap(({ studies }) => studies);
  return new Map(
    all.map(({ uid, header }) => [
      uid,
      `${personName(header.patientName) || t("patient.unknown")} · ${header.studyDescription || header.modality || t("studies.untitled")}`,
    ]),
  );
}

function chosenOrder(store: UploadDesk, uid: string): string | null {
  const { link } = store.choiceOf(uid);
  return link.kind === "order" ? link.order.id : null;
}
