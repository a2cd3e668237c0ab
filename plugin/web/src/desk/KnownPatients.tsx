import { Link } from "react-router-dom";
import { usePatientSearch } from "../api/patients";
import type { Patient } from "../api/types";
import { Cut } from "../components/Cut";
import { Person } from "../components/Person";
import { ofPatient } from "../components/whom";
import { useNumbers } from "../components/useNumbers";
import { t } from "../i18n";

/** Who is known under that name already: nobody should be registered twice. */
export function KnownPatients({ q, onChoose }: { q: string; onChoose?: (patient: Patient) => void }) {
  const asked = q.length >= 3 ? q : "";
  const found = usePatientSearch(asked);
  const numbers = useNumbers();
  const people = asked ? (found.data?.items ?? []) : [];
  return (
    <div role="status" className="stack-small">
      {people.length > 0 && (
        <>
          <p className="small">{t("desk.patient.known")}</p>
          <ul className="suggestions">
            {people.map((patient) => (
              <li key={patient.id}>
                <Person whom={ofPatient(patient)} />
                {onChoose ? (
                  <button type="button" className="button button-small" aria-label={t("reconciliation.create.known.label", { mrn: numbers.mrn(patient) })} onClick={() => onChoose(patient)}>
                    {t("reconciliation.create.known")}
                  </button>
                ) : (
                  <Link className="button button-small" to={`/patients/${encodeURIComponent(patient.id)}`}>
                    {t("desk.patient.open")}
                  </Link>
                )}
              </li>
            ))}
          </ul>
          <Cut shown={people.length} total={found.data?.total ?? 0} what="patients" />
        </>
      )}
    </div>
  );
}
