/** The reports of an order, a study or a patient, for everybody who reads; and how one is begun. */
import { Link, useNavigate } from "react-router-dom";
import { useBegin, useReportsOf, useTemplates, type ReportItem } from "../api/reports";
import type { Order } from "../api/types";
import { useMay } from "../auth/permissions";
import { BusyButton } from "../components/BusyButton";
import { Problem } from "../components/Problem";
import { formatInstant, t } from "../i18n";
import { ReportStatus } from "./Status";
import { beginning } from "./template";
import { ofOrder } from "./worklist";

interface Props {
  of: { order?: string; study?: string; patient?: string };
  /** What a report is begun of; none: it is not begun here. */
  begin?: Beginning;
}

type Beginning = { order: Pick<Order, "id" | "modality" | "body_part"> } | { study_instance_uid: string };

export function ReportsPanel({ of, begin }: Props) {
  const mayRead = useMay("read");
  const reports = useReportsOf(of, mayRead);
  const shown = (reports.data ?? []).filter(({ status, version }) => status !== "entered_in_error" || version > 0);
  const mayWrite = useMay("write_reports");
  if (!mayRead || (shown.length === 0 && !(begin && mayWrite))) return null;
  const isOpen = shown.some(({ status, outside }) => status !== "entered_in_error" && !outside);
  return (
    <section className="panel" aria-labelledby="reports-title">
      <h2 id="reports-title">{t("reports.title")}</h2>
      {shown.length > 0 && (
        <ul className="plain-list">
          {shown.map((one) => (
            <li key={one.id} className="plain-row">
              <ReportLine report={one} />
            </li>
          ))}
        </ul>
      )}
      {begin && mayWrite && reports.data && !isOpen && <BeginButton begin={begin} />}
    </section>
  );
}

export function ReportLine({ report }: { report: ReportItem }) {
  return (
    <>
      <span>
        <Link to={`/reports/${report.id}`}>{report.title}</Link>
        <span className="second muted small">
          {report.issued_at ? formatInstant(report.issued_at) : t("report.begun", { when: formatInstant(report.created_at) })}
          {report.accession_numbers.length > 0 && ` · ${report.accession_numbers.join(", ")}`}
          {(report.signer ?? report.author) && ` · ${(report.signer ?? report.author)!.name}`}
          {report.outside && ` · ${t("report.outside.from", { sender: report.outside.sender })}`}
        </span>
      </span>
      <ReportStatus status={report.status} />
    </>
  );
}

function BeginButton({ begin }: { begin: Beginning }) {
  const templates = useTemplates(true).data ?? [];
  const begins = useBegin();
  const navigate = useNavigate();
  return (
    <>
      <div className="actions">
        <BusyButton
          busy={begins.isPending}
          onPress={() =>
            begins.mutate("order" in begin ? beginning(ofOrder(begin.order), templates) : begin, { onSuccess: ({ report }) => void navigate(`/reports/${report.id}`) })
          }
        >
          {t("report.begin")}
        </BusyButton>
      </div>
      {begins.error && <Problem error={begins.error} />}
    </>
  );
}
