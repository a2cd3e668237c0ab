import { useCallback } from "react";
import { Link } from "react-router-dom";
import { useStudies } from "../api/queries";
import type { Study } from "../api/types";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { DateField } from "../components/DateField";
import { SearchField, SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { IssuerField } from "../components/IssuerField";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { Thumbnail } from "../components/Thumbnail";
import { useListPlace } from "../components/useListPlace";
import { Day, LinkStatus, modalitiesOf, OrNone, PersonName } from "../components/values";
import { Person } from "../components/Person";
import { namesakes, ofNamed, type Whom } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { formatNumber, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { ModalityField } from "../study/ModalityField";
import { DEFAULTS, filterOf, LINKS, SEARCHED, SORTS } from "../study/listFilter";
import { studyTitle, studyWhat } from "../study/words";

export function StudiesPage() {
  const [{ q, filters, sort, offset }, move] = useListPlace(DEFAULTS, SORTS[0]);
  const asked = filterOf({ q, filters, sort, offset });
  const studies = useStudies(asked);
  const search = useCallback((text: string) => move({ q: text }), [move]);
  const unfiltered = !q && filters.link === "" && filters.modality === "" && filters.damaged === "" && filters.from === "" && filters.to === "";

  return (
    <Page title={t("studies.title")} lead={t("studies.lead")} isWide>
      <Filters
        label={t("studies.filters")}
        asked={[asked.link_status, asked.modality, asked.damaged, asked.from, asked.to]}
        folding={
          <>
            <SelectField
              label={t("studies.link")}
              value={filters.link}
              options={[{ value: "", label: t("studies.link.all") }, ...LINKS.map((value) => ({ value, label: word("study.link", value) }))]}
              onChange={(value) => move({ filters: { link: value } })}
            />
            <ModalityField value={filters.modality} onChange={(value) => move({ filters: { modality: value } })} />
            <SelectField
              label={t("studies.damaged")}
              value={filters.damaged === "yes" ? "yes" : ""}
              options={[
                { value: "", label: t("studies.damaged.all") },
                { value: "yes", label: t("studies.damaged.yes") },
              ]}
              onChange={(value) => move({ filters: { damaged: value } })}
            />
            <div className="field-pair">
              <DateField label={t("studies.from")} value={filters.from} onChange={(value) => move({ filters: { from: value } })} />
              <DateField label={t("studies.to")} value={filters.to} onChange={(value) => move({ filters: { to: value } })} />
            </div>
            <SelectField
              label={t("studies.sort")}
              value={sort}
              options={SORTS.map((value) => ({ value, label: t(`studies.sort.${value}`) }))}
              onChange={(value) => move({ sort: value })}
            />
          </>
        }
      >
        <SelectField
          label={t("studies.search.in")}
          value={filters.in}
          options={SEARCHED.map((value) => ({ value, label: t(`studies.search.in.${value}`) }))}
          onChange={(value) => move({ filters: { in: value } })}
        />
        {filters.in === "mrn" && <IssuerField value={filters.issuer} onChange={(issuer) => move({ filters: { issuer } })} />}
        <SearchField label={t("studies.search")} hint={t(`studies.search.hint.${searched(filters.in)}`)} value={q} onChange={search} />
      </Filters>
      <QueryList
        label={t("studies.list")}
        list={studies}
        save={{ path: "dicom/studies", query: asked }}
        columns={columns(namesakes((studies.data?.items ?? []).map(ofNamed)))}
        rowKey={(study) => study.study_instance_uid}
        found={(count) => t("studies.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        sorting={{ sort, onSort: (to) => move({ sort: to }) }}
        empty={
          unfiltered ? (
            <Blank title={t("studies.empty.title")} text={t("studies.empty.text")}>
              <Link className="button" to="/orders">
                {t("studies.empty.action")}
              </Link>
            </Blank>
          ) : (
            <Blank title={t("studies.none.title")} text={t("studies.none.text")}>
              <button type="button" className="button" onClick={() => move({ q: "", filters: DEFAULTS })}>
                {t("studies.none.action")}
              </button>
            </Blank>
          )
        }
      />
    </Page>
  );
}

function searched(value: string): (typeof SEARCHED)[number] {
  return SEARCHED.find((each) => each === value) ?? "name";
}

const columns = (isNamesake: (whom: Whom) => boolean): Column<Study>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    sortBy: "patient_name",
    cell: (study) => (
      <span className="with-thumbnail">
        <Thumbnail uid={study.study_instance_uid} />
        <Person
          whom={ofNamed(study)}
          isNamesake={isNamesake(ofNamed(study))}
          name={
            <Link
              className="row-link"
              to={`/studies/${encodeURIComponent(study.study_instance_uid)}`}
              aria-label={t("studies.open", { what: studyWhat(study), patient: personName(study.patient_name) || t("patient.unknown") })}
            >
              <PersonName name={study.patient_name} />
            </Link>
          }
        />
      </span>
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
  { key: "modality", title: t("column.modality"), cell: (study) => <OrNone>{modalitiesOf(study.modalities)}</OrNone> },
  {
    key: "date",
    title: t("column.date"),
    className: "number",
    sortBy: "study_date",
    cell: (study) => <Day iso={study.study_date} />,
  },
  { key: "link", title: t("column.link"), cell: (study) => <LinkStatus status={study.link_status} /> },
  {
    key: "images",
    title: t("column.images"),
    className: "number column-end",
    cell: (study) => <OrNone>{study.number_of_instances ? formatNumber(study.number_of_instances) : ""}</OrNone>,
  },
  {
    key: "view",
    title: t("column.action"),
    className: "column-action",
    silent: true,
    cell: (study) => <ViewButton studyInstanceUid={study.study_instance_uid} what={studyTitle(study)} />,
  },
];
