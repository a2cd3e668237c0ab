/** Everybody who is registered: found by any part of a name, a birth date or a number. */
import { useCallback } from "react";
import { Link } from "react-router-dom";
import { usePatients } from "../api/patients";
import type { Patient } from "../api/types";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { SearchField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant, PersonName } from "../components/values";
import { nameOf, namesakes, ofPatient, type Whom } from "../components/whom";
import { DeskButtons } from "../desk/DeskButtons";
import { PatientBadges } from "../desk/Marks";
import { NotFoundHere } from "../privacy/NotFoundHere";
import { t } from "../i18n";
import { personName } from "../i18n/person";

const DEFAULTS = {};

export function PatientsPage() {
  const [{ q, offset }, move] = useListPlace(DEFAULTS);
  const patients = usePatients(q, offset);
  const search = useCallback((text: string) => move({ q: text }), [move]);
  return (
    <Page title={t("patients.title")} lead={t("patients.lead")} isWide>
      <DeskButtons />
      <Filters label={t("patients.filters")}>
        <SearchField label={t("patients.search")} hint={t("patients.search.hint")} value={q} onChange={search} />
      </Filters>
      <QueryList
        label={t("patients.title")}
        list={patients}
        save={{ path: "patients", query: { q } }}
        columns={columns(namesakes((patients.data?.items ?? []).map(ofPatient)))}
        rowKey={({ id }) => id}
        found={(count) => t("patients.found", { count })}
        empty={<Blank icon="person" title={t(q ? "patients.none.title" : "patients.empty.title")} text={t(q ? "patients.none.text" : "patients.empty.text")}>{q && <NotFoundHere />}</Blank>}
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Page>
  );
}

const columns = (isNamesake: (whom: Whom) => boolean): Column<Patient>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (patient) => (
      <Person
        whom={ofPatient(patient)}
        isNamesake={isNamesake(ofPatient(patient))}
        name={
          <Link className="row-link" to={`/patients/${encodeURIComponent(patient.id)}`} aria-label={t("patients.open", { patient: personName(nameOf(patient)) || t("patient.unknown") })}>
            <PersonName name={nameOf(patient)} />
          </Link>
        }
      />
    ),
  },
  {
    key: "state",
    title: t("column.status"),
    cell: (patient) => (
      <>
        <PatientBadges patient={patient} />
        {patient.differs_from_ehr && <span className="badge badge-warn">{t("desk.differs.badge")}</span>}
        {patient.merged_into_id && <span className="badge badge-plain">{t("desk.merged.badge")}</span>}
      </>
    ),
  },
  { key: "created", title: t("patients.since"), className: "number", cell: (patient) => <Instant iso={patient.created_at} /> },
];
