/** What nobody should miss who opens this patient, before all else. */
import { Link } from "react-router-dom";
import { useAlerts } from "../api/chart";
import { Notice } from "../components/Notice";
import { Instant } from "../components/values";
import { t, word } from "../i18n";

export function PatientAlerts({ patientId }: { patientId: string }) {
  const alerts = useAlerts(patientId);
  const critical = alerts.critical.data;
  const emergencies = alerts.emergencies.data;
  const unread = Object.values(alerts).filter(({ isError }) => isError);
  if (!critical?.total && !emergencies?.total && unread.length === 0) return null;
  return (
    <section className="stack-small" aria-label={t("alerts.title")}>
      {unread.length > 0 && (
        <Notice kind="warn" title={t("alerts.unread")}>
          <p>{t("alerts.unread.text")}</p>
          <button
            type="button"
            className="button button-small"
            onClick={() => {
              for (const { refetch } of unread) void refetch();
            }}
          >
            {t("error.retry")}
          </button>
        </Notice>
      )}
      {critical && critical.total > 0 && (
        <Notice kind="bad" title={t("alerts.critical", { count: critical.total })}>
          <ul>
            {critical.items.map(({ id, title, issued_at, updated_at }) => (
              <li key={id}>
                <Link to={`/reports/${encodeURIComponent(id)}`}>
                  <bdi>{title}</bdi>
                </Link>{" "}
                · <Instant iso={issued_at ?? updated_at} />
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {emergencies && emergencies.total > 0 && (
        <Notice kind="warn" title={t("alerts.emergencies", { count: emergencies.total })}>
          <ul>
            {emergencies.items.map(({ id, description, accession_number, status, scheduled_at }) => (
              <li key={id}>
                <Link to={`/orders/${encodeURIComponent(id)}`}>
                  <bdi>{description || accession_number}</bdi>
                </Link>{" "}
                · {word("order.status", status)}
                {scheduled_at && (
                  <>
                    {" "}
                    · <Instant iso={scheduled_at} />
                  </>
                )}
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </section>
  );
}
