/** Reports that were issued: those the user has not seen yet, or all. */
import { Link } from "react-router-dom";
import { useReports, type ReportItem } from "../api/reports";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant, OrNone, PersonName } from "../components/values";
import { ofNamed } from "../components/whom";
import { t, word } from "../i18n";
import { ReportStatus } from "../reporting/Status";

const ALL = "all";
const CRITICAL = "critical";
const ISSUED = "preliminary,final,amended,corrected,appended,entered_in_error";
const DEFAULTS = { show: "new", status: ISSUED };

export function ReportsPage() {
  return (
    <NeedsPermission permission="read" title={t("reports.title")}>
      <Reports />
    </NeedsPermission>
  );
}

function Reports() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const isCritical = filters.show === CRITICAL;
  const isNew = filters.show !== ALL && !isCritical;
  // What is critical is so in any state, also while it is a draft of those who write.
  const status = isCritical && filters.status === ISSUED ? "" : filters.status;
  const asked = { unread: isNew ? "true" : "", status, waits_for: isCritical ? "communication" : "" };
  const reports = useReports({ ...asked, offset });
  return (
    <Page title={t("reports.title")} lead={t("reports.lead")} isWide>
      <Filters label={t("reports.filters")}>
        <SelectField
          label={t("reports.show")}
          value={filters.show}
          options={[
            { value: "new", label: t("reports.new") },
            { value: CRITICAL, label: t("reports.critical") },
            { value: ALL, label: t("reports.all") },
          ]}
          onChange={(show) => move({ filters: { show } })}
        />
        <SelectField
          label={t("reports.state")}
          value={filters.status}
          options={[{ value: ISSUED, label: t("reports.any") }, ...ISSUED.split(",").map((value) => ({ value, label: word("report.status", value) }))]}
          onChange={(status) => move({ filters: { status } })}
        />
      </Filters>
      <QueryList
        label={t("reports.title")}
        list={reports}
        save={{ path: "reports", query: { ...asked, sort: "-issued_at" } }}
        columns={columns()}
        rowKey={({ id }) => id}
        found={(count) => t("reports.found", { count })}
        empty={
          <Blank icon="report" title={t(isNew ? "reports.none.new" : "reports.none")} text={t(isNew ? "reports.none.new.text" : "reports.none.text")}>
            {isNew && (
              <button type="button" className="button" onClick={() => move({ filters: { show: ALL } })}>
                {t("reports.none.action")}
              </button>
            )}
          </Blank>
        }
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Page>
  );
}

const columns = (): Column<ReportItem>[] => [
  {
    key: "patient",
    title: t("column.patient"),
    main: true,
    cell: (report) => (
      <Person
        whom={ofNamed(report)}
        name={
          <Link className="row-link" to={`/reports/${report.id}`}>
            <PersonName name={report.patient_name} />
          </Link>
        }
      />
    ),
  },
  {
    key: "title",
    title: t("reports.one"),
    cell: (report) => (
      <>
        {report.title}
        <span className="second muted small number">{report.accession_numbers.join(", ")}</span>
      </>
    ),
  },
  { key: "status", title: t("reports.state"), cell: ({ status }) => <ReportStatus status={status} /> },
  { key: "issued", title: t("reports.issued"), className: "number", cell: ({ issued_at: at }) => <Instant iso={at} /> },
  { key: "who", title: t("reports.by"), cell: ({ signer, author }) => <OrNone>{(signer ?? author)?.name}</OrNone> },
];
