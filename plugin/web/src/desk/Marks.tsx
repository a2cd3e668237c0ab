/** What must be known of a patient or an order before anybody trusts it. */
import { Notice } from "../components/Notice";
import type { Order, Patient } from "../api/types";
import { formatDay, formatInstant, t, word } from "../i18n";
import { fieldName } from "../i18n/fieldName";

/** Beside the name. */
export function PatientBadges({ patient }: { patient: Patient }) {
  return (
    <>
      {patient.is_unidentified && <span className="badge badge-warn">{t("desk.unidentified")}</span>}
      {patient.is_unidentified && patient.approximate_age !== null && <span className="badge badge-plain">{t("desk.about", { count: patient.approximate_age })}</span>}
      {patient.registered_here && <span className="badge badge-plain">{t("desk.registered_here")}</span>}
    </>
  );
}

/** Where the desk has changed what the EHR said: what that was. */
export function Differs({ row }: { row: Patient | Order }) {
  if (!row.differs_from_ehr) return null;
  return (
    <Notice kind="warn" title={t("desk.differs.title")}>
      <p>{t("desk.differs.text")}</p>
      <ul>
        {Object.entries(row.ehr_says).map(([field, value]) => (
          <li key={field}>{t("desk.differs.field", { field: fieldName(field), value: saidText(field, value) })}</li>
        ))}
      </ul>
    </Notice>
  );
}

function saidText(field: string, value: unknown): string {
  if (typeof value !== "string") return t("value.none.label");
  if (field === "birth_date") return formatDay(value);
  if (field === "scheduled_at") return formatInstant(value);
  if (field === "status") return word("order.status", value);
  return field === "sex" ? word("sex", value) : value;
}
