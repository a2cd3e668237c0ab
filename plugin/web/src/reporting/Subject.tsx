/** What a report is of: the ways to its orders and its study. */
import { Link } from "react-router-dom";
import type { Report } from "../api/reports";
import { t } from "../i18n";

export function Subject({ report }: { report: Report }) {
  const { order_ids: orders, accession_numbers: numbers, study_instance_uid: study } = report;
  return (
    <span className="identity small">
      {orders.map((id, position) => (
        <Link key={id} className="number" to={`/orders/${id}`} aria-label={t("study.order.open", { accession: numbers[position] ?? id })}>
          {numbers[position]}
        </Link>
      ))}
      {study && <Link to={`/studies/${encodeURIComponent(study)}`}>{t("report.study")}</Link>}
    </span>
  );
}
