import { Link } from "react-router-dom";
import { useUploads, type UploadEntry } from "../api/uploads";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant, Mrn, OrNone, PersonName } from "../components/values";
import { formatBytes, formatInstant, t, word } from "../i18n";
import { UploadState } from "../uploads/UploadState";

const DEFAULTS = {};

export function UploadsPage() {
  return (
    <NeedsPermission permission="read" title={t("uploads.title")}>
      <Uploads />
    </NeedsPermission>
  );
}

function Uploads() {
  const [{ offset }, move] = useListPlace(DEFAULTS);
  const uploads = useUploads(offset);
  return (
    <Page title={t("uploads.title")} lead={t("uploads.lead")}>
      <QueryList
        label={t("uploads.list")}
        list={uploads}
        columns={columns()}
        rowKey={({ id }) => id}
        found={(count) => t("uploads.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={<Blank icon="upload" title={t("uploads.empty.title")} text={t("uploads.empty.text")} />}
      />
    </Page>
  );
}

const columns = (): Column<UploadEntry>[] => [
  {
    key: "when",
    title: t("uploads.when"),
    main: true,
    cell: (entry) => (
      <>
        <Link className="row-link" to={`/uploads/${encodeURIComponent(entry.upload_id)}`} aria-label={t("uploads.open", { when: formatInstant(entry.uploaded_at), who: entry.uploaded_by })}>
          <Instant iso={entry.uploaded_at} />
        </Link>
        <span className="second">
          <bdi>{entry.uploaded_by}</bdi> · {word("uploads.source", entry.upload_source)}
        </span>
      </>
    ),
  },
  {
    key: "patient",
    title: t("column.patient"),
    className: "column-wide",
    cell: (entry) => (
      <>
        <PersonName name={entry.modified_patient_name ?? entry.original_patient_name} />
        <span className="second">
          {entry.patient_id ? <Mrn mrn={entry.modified_patient_id ?? entry.original_patient_id} /> : t("uploads.nobody")}
        </span>
      </>
    ),
  },
  {
    key: "accession",
    title: t("field.accession_number"),
    className: "number",
    cell: (entry) => <OrNone>{entry.modified_accession_number ?? entry.original_accession_number}</OrNone>,
  },
  {
    key: "files",
    title: t("uploads.files"),
    className: "number",
    cell: (entry) => (
      <>
        {t("count.files", { count: entry.number_of_files })}
        <span className="second">
          {formatBytes(entry.total_size_bytes)}
          {entry.number_of_duplicates > 0 && ` · ${t("uploads.duplicates", { count: entry.number_of_duplicates })}`}
        </span>
      </>
    ),
  },
  { key: "state", title: t("column.status"), cell: (entry) => <UploadState entry={entry} /> },
];
