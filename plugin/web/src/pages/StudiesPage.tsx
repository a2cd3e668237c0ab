import { Link } from "react-router-dom";
import { PAGE_SIZE, useStudies } from "../api/queries";
import type { Study } from "../api/types";
import { Blank } from "../components/Blank";
import { DataList, ListSkeleton, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Pager, SelectField } from "../components/Fields";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { useListPlace } from "../components/useListPlace";
import { Day, LinkStatus, modalitiesOf, Mrn, OrNone, PersonName } from "../components/values";
import { ViewButton } from "../components/ViewButton";
import { formatNumber, t, word } from "../i18n";
import { personName } from "../i18n/person";


const ALL = "all";
const DEFAULTS = { link: ALL };
const LINKS = ["linked", "unlinked", "ambiguous"];

export function StudiesPage() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const filter = filters.link;
  const studies = useStudies({ linkStatus: filter === ALL ? "" : filter, offset });
  const page = studies.data;

  return (
    <Page title={t("studies.title")} lead={t("studies.lead")}>
      <div className="filters" role="search" aria-label={t("studies.filters")}>
        <SelectField
          label={t("studies.link")}
          value={filter}
          options={[
            { value: ALL, label: t("studies.link.all") },
            ...LINKS.map((value) => ({ value, label: word("study.link", value) })),
          ]}
          onChange={(value) => move({ filters: { link: value } })}
        />
      </div>
      <p className="list-said muted" role="status">
        {page ? (studies.isPlaceholderData ? t("list.updating") : t("studies.found", { count: page.total })) : ""}
      </p>
      {page && studies.isError && (
        <Notice kind="warn">
          <p>{t("error.stale")}</p>
        </Notice>
      )}
      {!page ? (
        studies.error ? (
          <ErrorState error={studies.error} onRetry={() => void studies.refetch()} />
        ) : (
          <ListSkeleton label={t("app.loading")} />
        )
      ) : page.items.length === 0 ? (
        filter === ALL ? (
          <Blank title={t("studies.empty.title")} text={t("studies.empty.text")}>
            <Link className="button" to="/orders">
              {t("studies.empty.action")}
            </Link>
          </Blank>
        ) : (
          <Blank title={t("studies.none.title")} text={t("studies.none.text")}>
            <button type="button" className="button" onClick={() => move({ filters: { link: ALL } })}>
              {t("studies.none.action")}
            </button>
          </Blank>
        )
      ) : (
        <>
          <DataList
            label={t("studies.list")}
            columns={columns()}
            rows={page.items}
            rowKey={(study) => study.study_instance_uid}
            busy={studies.isPlaceholderData}
          />
          <Pager
            offset={offset}
            limit={PAGE_SIZE}
            shown={page.items.length}
            total={page.total}
            onMove={(to) => move({ offset: to })}
          />
        </>
      )}
    </Page>
  );
}

const columns = (): Column<Study>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (study) => (
      <>
        <PersonName name={study.patient_name} />
        <span className="second">
          <Mrn mrn={study.mrn} />
        </span>
      </>
    ),
  },
  {
    key: "study",
    title: t("column.study"),
    className: "column-wide",
    cell: (study) => (
      <>
        {study.study_description || <span className="muted">{t("studies.untitled")}</span>}
        <span className="second number">
          <OrNone>{study.accession_number}</OrNone>
        </span>
      </>
    ),
  },
  {
    key: "modality",
    title: t("column.modality"),
    cell: (study) => <OrNone>{modalitiesOf(study.modalities)}</OrNone>,
  },
  { key: "date", title: t("column.date"), className: "number", cell: (study) => <Day iso={study.study_date} /> },
  { key: "link", title: t("column.link"), cell: (study) => <LinkStatus status={study.link_status} /> },
  {
    key: "images",
    title: t("column.images"),
    className: "number column-end",
    cell: (study) => (
      <OrNone>{study.number_of_instances ? formatNumber(study.number_of_instances) : ""}</OrNone>
    ),
  },
  {
    key: "view",
    title: t("column.action"),
    className: "column-action",
    silent: true,
    cell: (study) =>
      !study.deleted_at && <ViewButton studyInstanceUid={study.study_instance_uid} what={studyTitle(study)} />,
  },
];

function studyTitle(study: Study): string {
  const what = study.study_description || modalitiesOf(study.modalities) || study.study_instance_uid;
  return t("view.what", { what, patient: personName(study.patient_name) || t("patient.unknown") });
}
