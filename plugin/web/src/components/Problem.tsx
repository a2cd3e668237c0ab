import { ApiError } from "../api/errors";
import { known, t } from "../i18n";
import { fieldMessage } from "../i18n/fieldMessage";
import { fieldName } from "../i18n/fieldName";
import { describe, RequestId } from "./ErrorState";
import { Notice } from "./Notice";

/** What became of something that was tried: what went wrong, and what to do. Read aloud at once. */
export function Problem({ error }: { error: Error | null }) {
  return (
    <div role="alert" className="problem-place">
      {error && <Said error={error} />}
    </div>
  );
}

function Said({ error }: { error: Error }) {
  const own = error instanceof ApiError ? known("problem", error.code) : null;
  const { title, text, reason } = describe(error);
  const fields = error instanceof ApiError ? error.fields : [];
  return (
    <Notice kind="bad" title={own ?? title}>
      {!own && !reason && <p>{text}</p>}
      {reason && <p className="small">{t("error.reason", { detail: reason })}</p>}
      <RequestId error={error} />
      {fields.length > 0 && (
        <ul className="small">
          {fields.map(({ field, message }) => (
            <li key={field}>
              {fieldName(field.split(".").pop() ?? field)}: {fieldMessage(message)}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
