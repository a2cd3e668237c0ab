import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { useApi } from "../api/context";
import { PAGE_SIZE } from "../api/queries";
import type { HistoryEntry, StudyHistoryAnswer } from "../api/schema";
import { useMay } from "../auth/permissions";
import { ChangeTable } from "../components/ChangeTable";
import { ErrorState } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Pager } from "../components/Fields";
import { Icon } from "../components/Icon";
import { Person } from "../components/Person";
import { Instant } from "../components/values";
import { ofNamed } from "../components/whom";
import { t, word } from "../i18n";
import { iconOf, linkOf, whereFrom, type Side } from "./historyWords";

/** Everything that happened to the study, in order. */
export function HistoryPanel({ uid }: { uid: string }) {
  const [offset, setOffset] = useState(0);
  const history = useStudyHistory(uid, offset);
  const page = history.data;
  const mayAudit = useMay("audit");
  return (
    <section className="panel" aria-labelledby="history-title">
      <div className="panel-head">
        <h2 id="history-title">{t("history.title")}</h2>
        <p className="actions small">
          <Link to={`/uploads?study=${encodeURIComponent(uid)}`} aria-label={t("history.uploads.label")}>
            {t("history.uploads")}
          </Link>
          {mayAudit && (
            <Link to={`/audit?study=${encodeURIComponent(uid)}`} aria-label={t("history.audit.label")}>
              {t("history.audit")}
            </Link>
          )}
        </p>
      </div>
      {page ? (
        <>
          <ol className="history" aria-busy={history.isPlaceholderData}>
            {page.items.map((entry) => (
              <Step key={entry.event_id} entry={entry} />
            ))}
          </ol>
          <Pager offset={offset} limit={PAGE_SIZE} shown={page.items.length} total={page.total} onMove={setOffset} />
        </>
      ) : history.error ? (
        <ErrorState error={history.error} onRetry={() => void history.refetch()} />
      ) : (
        <p className="muted" role="status">
          {t("app.loading")}
        </p>
      )}
    </section>
  );
}

function Step({ entry }: { entry: HistoryEntry }) {
  const changes = entry.changes.length > 0 ? entry.changes : entry.coerced;
  const link = linkOf(entry);
  return (
    <li>
      <span className="history-mark">
        <Icon name={iconOf(entry.action)} />
      </span>
      <div className="stack-small">
        <p>
          <strong>{word("audit.action", entry.action)}</strong>
          <span className="second">
            <Instant iso={entry.at} /> · <bdi>{entry.actor}</bdi>
            {whereFrom(entry) && ` · ${whereFrom(entry)}`}
          </span>
        </p>
        {entry.reason && <p className="small">{t("history.reason", { reason: entry.reason })}</p>}
        {link && (
          <Facts across>
            {link.before && (
              <Fact label={t("history.from")}>
                <Whose side={link.before} />
              </Fact>
            )}
            <Fact label={t("history.to")}>
              <Whose side={link.after} />
            </Fact>
          </Facts>
        )}
        {changes.length > 0 && <ChangeTable changes={changes} />}
      </div>
    </li>
  );
}

function Whose({ side: { patient, accession_number: accession } }: { side: Side }) {
  if (!patient) return t("history.nobody");
  return <Person whom={ofNamed(patient)}>{accession && t("history.order", { accession })}</Person>;
}

function useStudyHistory(uid: string, offset: number) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["study", uid, "history", offset],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask<StudyHistoryAnswer>(`dicom/studies/${encodeURIComponent(uid)}/history`, { query: { limit: PAGE_SIZE, offset }, signal }),
  });
}
