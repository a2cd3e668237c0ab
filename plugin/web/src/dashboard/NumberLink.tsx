import { Link } from "react-router-dom";
import { formatNumber } from "../i18n";

/** A number that opens its list; its name says what is counted. None has no list to open. */
export function NumberLink({ count, to, label }: { count: number; to: string; label: string }) {
  if (count === 0) {
    return (
      <span className="number muted">
        <span className="visually-hidden">{label}: </span>0
      </span>
    );
  }
  return (
    <Link className="number" to={to} aria-label={`${label}: ${formatNumber(count)}`}>
      {formatNumber(count)}
    </Link>
  );
}
