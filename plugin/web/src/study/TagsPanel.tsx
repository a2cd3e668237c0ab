import { useState } from "react";
import { useRefreshStudy, useStudyTags, type Modification, type Tag } from "../api/study";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { DataList, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { JobProgress } from "../components/JobProgress";
import { formatInstant, t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { CorrectDialog } from "./CorrectDialog";
import { hasEnded } from "../api/jobs";
import { UndoButton } from "./UndoButton";
import { Value } from "../components/Value";

/** What the study says of itself, what it said when it came, and the way to correct it. */
export function TagsPanel({ study }: { study: Study }) {
  const uid = study.study_instance_uid;
  const tags = useStudyTags(uid);
  const refresh = useRefreshStudy(uid);
  const mayModify = useMay("modify_tags");
  const [isCorrecting, setCorrecting] = useState(false);
  const [started, setStarted] = useState<string | null>(null);

  const modifications = tags.data?.modifications ?? [];
  const running = modifications.find((each) => !hasEnded(each));
  const jobId = running?.id ?? started;
  const undoable = running ? undefined : modifications.find((each) => each.can_undo);

  return (
    <section className="panel" aria-labelledby="tags-title">
      <div className="panel-head">
        <h2 id="tags-title">{t("study.tags")}</h2>
        {mayModify && tags.data && (
          <button type="button" className="button button-small" disabled={Boolean(running)} onClick={() => setCorrecting(true)}>
            <Icon name="edit" />
            {t("study.correct")}
          </button>
        )}
      </div>
      {jobId && <JobProgress key={jobId} jobId={jobId} onEnd={refresh} />}
      {tags.data ? (
        <DataList label={t("study.tags")} columns={columns()} rows={tags.data.tags} rowKey={({ tag }) => tag} busy={false} />
      ) : tags.error ? (
        <ErrorState error={tags.error} onRetry={() => void tags.refetch()} />
      ) : (
        <p className="muted" role="status">
          {t("app.loading")}
        </p>
      )}
      {undoable && <Undoable modification={undoable} study={study} onStarted={setStarted} />}
      {isCorrecting && tags.data && (
        <CorrectDialog study={study} tags={tags.data.tags} onClose={() => setCorrecting(false)} onStarted={setStarted} />
      )}
    </section>
  );
}

function Undoable({ modification, study, onStarted }: { modification: Modification; study: Study; onStarted: (jobId: string) => void }) {
  const mayModify = useMay("modify_tags");
  return (
    <div className="undoable">
      <p className="small">
        {t("study.undoable", { who: modification.requested_by, when: formatInstant(modification.requested_at) })}
        <span className="second">{modification.reason}</span>
      </p>
      {mayModify && <UndoButton id={modification.id} study={study} onStarted={onStarted} />}
    </div>
  );
}

/** Until when a value stood and who changed it; the first one stands above already. */
function formerText(former: Tag["history"][number], isShown: boolean): string {
  const until = {
    when: former.changed_at ? formatInstant(former.changed_at) : t("value.none.label"),
    who: former.modifying_system,
  };
  return isShown ? t("study.tags.until", until) : t("study.tags.former", { value: former.value || t("value.empty"), ...until });
}

const columns = (): Column<Tag>[] => [
  { key: "tag", title: t("study.tags.field"), main: true, cell: ({ tag }) => fieldName(tag) },
  {
    key: "value",
    title: t("study.tags.now"),
    className: "column-wide column-value",
    cell: ({ value, other_values: others }) => (
      <>
        <Value text={value} />
        {others.length > 0 && <span className="second">{t("study.tags.others", { values: others.join(" · ") })}</span>}
      </>
    ),
  },
  {
    key: "original",
    title: t("study.tags.original"),
    cell: ({ original, value, history }) =>
      history.length === 0 && (original === null || original === value) ? (
        <span className="muted">{t("study.tags.unchanged")}</span>
      ) : (
        <>
          <Value text={original ?? ""} />
          {history.map((former, at) => (
            <span className="second" key={at}>
              {formerText(former, at === 0 && former.value === (original ?? ""))}
            </span>
          ))}
        </>
      ),
  },
];
