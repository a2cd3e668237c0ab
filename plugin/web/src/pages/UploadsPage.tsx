import { useMemo } from "react";
import { Link } from "react-router-dom";
import { useUploads, type UploadEntry } from "../api/uploads";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { DateField } from "../components/DateField";
import { SearchField, SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { IssuerField } from "../components/IssuerField";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant, OrNone } from "../components/values";
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { formatBytes, formatInstant, t, word } from "../i18n";
import { saidOnArrival } from "../uploads/arrival";
import { asksForAll, DEFAULTS, filterOf, NO_TEXTS, SOURCES, STATES, type Text } from "../uploads/uploadFilter";
import { UploadState } from "../uploads/UploadState";

export function UploadsPage() {
  return (
    <NeedsPermission permission="read" title={t("uploads.title")}>
      <Uploads />
    </NeedsPermission>
  );
}

function Uploads() {
  const [place, move] = useListPlace(DEFAULTS);
  const { texts, filters, offset } = place;
  const asked = filterOf(place);
  const uploads = useUploads(asked);
  const search = useMemo(() => {
    const into = (name: Text) => (text: string) => move({ texts: { [name]: text } });
    return { who: into("who"), mrn: into("mrn"), file: into("file"), address: into("address") };
  }, [move]);
  const field = (name: Text) => (
    <SearchField label={t(`uploads.search.${name}`)} hint={t(`uploads.search.hint.${name}`)} value={texts[name] ?? ""} onChange={search[name]} />
  );
  return (
    <Page title={t("uploads.title")} lead={t("uploads.lead")} isWide>
      <Filters
        label={t("uploads.filters")}
        asked={[...Object.values(texts), asked.issuer, asked.upload_status, asked.upload_source, asked.from, asked.to]}
        folding={
          <>
            {field("who")}
            {field("mrn")}
            <IssuerField value={filters.issuer} onChange={(issuer) => move({ filters: { issuer } })} />
            <SelectField
              label={t("column.status")}
              value={filters.status}
              options={[{ value: "", label: t("uploads.all") }, ...STATES.map((value) => ({ value, label: word("uploads.status", value) }))]}
              onChange={(value) => move({ filters: { status: value } })}
            />
            <SelectField
              label={t("uploads.way")}
              value={filters.source}
              options={[{ value: "", label: t("uploads.all") }, ...SOURCES.map((value) => ({ value, label: word("uploads.way", value) }))]}
              onChange={(value) => move({ filters: { source: value } })}
            />
            <div className="field-pair">
              <DateField label={t("audit.from")} value={filters.from} onChange={(value) => move({ filters: { from: value } })} />
              <DateField label={t("audit.to")} value={filters.to} onChange={(value) => move({ filters: { to: value } })} />
            </div>
            {field("file")}
            {field("address")}
          </>
        }
      />
      {asked.study && (
        <p className="chosen">
          {t("uploads.of_study")}{" "}
          <Link className="uid" to={`/studies/${encodeURIComponent(asked.study)}`}>
            {asked.study}
          </Link>
          <button type="button" className="button button-small" onClick={() => move({ filters: { study: "" } })}>
            {t("uploads.of_study.clear")}
          </button>
        </p>
      )}
      <QueryList
        label={t("uploads.list")}
        list={uploads}
        save={{ path: "dicom/uploads", query: asked }}
        columns={columns(namesakes((uploads.data?.items ?? []).map(ofNamed)))}
        rowKey={({ id }) => id}
        found={(count) => t("uploads.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={
          asksForAll(place) ? (
            <Blank icon="upload" title={t("uploads.empty.title")} text={t("uploads.empty.text")} />
          ) : (
            <Blank icon="upload" title={t("uploads.none.title")} text={t("uploads.none.text")}>
              <button type="button" className="button" onClick={() => move({ texts: NO_TEXTS, filters: DEFAULTS })}>
                {t("uploads.none.action")}
              </button>
            </Blank>
          )
        }
      />
    </Page>
  );
}

const columns = (isNamesake: (whom: Whom) => boolean): Column<UploadEntry>[] => [
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
      <Person whom={ofNamed(entry)} isNamesake={isNamesake(ofNamed(entry))}>
        {saidOnArrival(entry)}
      </Person>
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
