import { Link, useParams } from "react-router-dom";
import { useUpload, type UploadedFile, type UploadEntry } from "../api/uploads";
import { DataList, ListSkeleton, type Column } from "../components/DataList";
import { ChangeTable } from "../components/ChangeTable";
import { ErrorState } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Icon } from "../components/Icon";
import { Page } from "../components/Page";
import { PatientLink } from "../components/PatientLink";
import { PersonFacts } from "../components/Person";
import { Instant, OrNone } from "../components/values";
import { ofNamed } from "../components/whom";
import { formatBytes, formatNumber, known, t, word } from "../i18n";
import { changesOnArrival, saidOnArrival } from "../uploads/arrival";
import { UploadState } from "../uploads/UploadState";

/** One upload: each of its studies, and what became of each file. */
export function UploadLogPage() {
  const { id = "" } = useParams();
  const upload = useUpload(id);
  const first = upload.data?.entries[0];
  return (
    <Page
      title={t("uploads.one")}
      above={<BackLink />}
      lead={
        first && (
          <p className="identity">
            <Instant iso={first.uploaded_at} /> <bdi>{first.uploaded_by}</bdi> {word("uploads.source", first.upload_source)}
          </p>
        )
      }
    >
      {!upload.data ? (
        upload.error ? (
          <ErrorState error={upload.error} onRetry={() => void upload.refetch()} />
        ) : (
          <ListSkeleton label={t("app.loading")} />
        )
      ) : (
        <>
          {upload.data.entries.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
          <section className="panel" aria-labelledby="files-title">
            <h2 id="files-title">{t("count.files", { count: upload.data.files.length })}</h2>
            <DataList label={t("uploads.files")} columns={columns()} rows={upload.data.files} rowKey={keyOf(upload.data.files)} busy={false} />
          </section>
        </>
      )}
    </Page>
  );
}

function Entry({ entry }: { entry: UploadEntry }) {
  const changes = changesOnArrival(entry);
  const said = saidOnArrival(entry);
  return (
    <section className="panel" aria-label={t("uploads.study")}>
      <div className="panel-head">
        <div>
          <h2>
            <PatientLink id={entry.patient_id} name={entry.patient_name} />
          </h2>
          <p className="small">
            <PersonFacts whom={ofNamed(entry)} />
          </p>
          {said && <p className="small muted">{said}</p>}
        </div>
        <UploadState entry={entry} />
      </div>
      <Facts across>
        <Fact label={t("uploads.files")}>
          {t("count.files", { count: entry.number_of_files })}, {formatBytes(entry.total_size_bytes)}
          {entry.number_of_duplicates > 0 && ` · ${t("uploads.duplicates", { count: entry.number_of_duplicates })}`}
        </Fact>
        <Fact label={t("field.modality")}>
          <OrNone>{entry.original_modality}</OrNone>
        </Fact>
        <Fact label={t("uploads.seconds")}>
          <OrNone>{entry.upload_duration_seconds !== null && formatNumber(Math.round(entry.upload_duration_seconds * 10) / 10)}</OrNone>
        </Fact>
        {entry.error_message && <Fact label={t("uploads.problem")}>{entry.error_message}</Fact>}
      </Facts>
      {changes.length > 0 && <ChangeTable changes={changes} />}
      {!entry.is_deleted && (
        <Link className="button button-small" to={`/studies/${encodeURIComponent(entry.study_instance_uid)}`}>
          {t("uploads.to_study")}
        </Link>
      )}
    </section>
  );
}

/** A file may have been sent twice, with or without a name. */
function keyOf(files: readonly UploadedFile[]): (file: UploadedFile) => string {
  return (file) => String(files.indexOf(file));
}

const tones: Record<UploadedFile["status"], string> = { stored: "good", duplicate: "plain", failed: "bad" };

const columns = (): Column<UploadedFile>[] => [
  {
    key: "name",
    title: t("uploads.file"),
    main: true,
    cell: (file) => (
      <>
        <bdi>{file.file_name || t("uploads.unnamed")}</bdi>
        <span className="second uid">
          <OrNone>{file.sop_instance_uid}</OrNone>
        </span>
      </>
    ),
  },
  { key: "size", title: t("uploads.size"), className: "number", cell: (file) => formatBytes(file.size_bytes) },
  {
    key: "state",
    title: t("column.status"),
    cell: (file) => (
      <>
        <span className={`badge badge-${tones[file.status]}`}>{word("uploads.file", file.status)}</span>
        {file.error_code && <span className="second">{known("problem", file.error_code) ?? word("problem", file.error_code)}</span>}
      </>
    ),
  },
];

function BackLink() {
  return (
    <p className="back">
      <Link to="/uploads">
        <Icon name="back" />
        {t("uploads.back")}
      </Link>
    </p>
  );
}
