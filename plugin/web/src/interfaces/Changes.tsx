import { Link } from "react-router-dom";
import type { ChangeOfMessage } from "../api/schema";
import { useMay } from "../auth/permissions";
import { t, word } from "../i18n";

/** What a message changed or would change, with the way to each. */
export function Changes({ changes, areDone }: { changes: readonly ChangeOfMessage[]; areDone: boolean }) {
  const mayRead = useMay("read");
  if (changes.length === 0) return <p className="muted">{t("interfaces.message.no_changes")}</p>;
  return (
    <ul className="small details">
      {changes.map((change, at) => (
        <li key={at}>
          {word("audit.action", change.action)}{" "}
          {areDone && mayRead && change.order_id && <Link to={`/orders/${encodeURIComponent(change.order_id)}`}>{t("interfaces.message.order")}</Link>}
          {areDone && mayRead && !change.order_id && change.patient_id && (
            <Link to={`/patients/${encodeURIComponent(change.patient_id)}`}>{t("interfaces.message.patient")}</Link>
          )}
        </li>
      ))}
    </ul>
  );
}

/** What is scrolled must be reached by the keyboard. */
const SCROLLED = { tabIndex: 0, role: "group" } as const;

/** Text of a message, or what it says as JSON: as it is, and to be scrolled. */
export function Verbatim({ label, text }: { label: string; text: string }) {
  return (
    <pre className="mono verbatim" {...SCROLLED} aria-label={label}>
      {text}
    </pre>
  );
}
