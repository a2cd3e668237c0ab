import { Link } from "react-router-dom";
import { PersonName } from "./values";

/** A patient's name, leading to their page; a plain name where it is not certain whose it is. */
export function PatientLink({ id, name }: { id: string | null | undefined; name: string | null | undefined }) {
  if (!id) return <PersonName name={name} />;
  return (
    <Link className="patient-link" to={`/patients/${encodeURIComponent(id)}`}>
      <PersonName name={name} />
    </Link>
  );
}
