import { useContext } from "react";
import { ApiError } from "../api/errors";
import { t } from "../i18n";
import { Blank } from "./Blank";
import { RestrictedContext } from "./restricted";

/** A number names nobody, or more than one: asking again helps only when more is said. */
const NUMBER_PROBLEMS = ["mrn_ambiguous", "issuer_required", "issuer_not_configured", "mrn_without_issuer"] as const;

/** An error in words, with what to do about it. */
export function describe(error: Error): { title: string; text: string; reason: string } {
  const known = error instanceof ApiError ? error : new ApiError(0, "unexpected_answer");
  const reason = known.detail;
  if (known.code === "unexpected_answer") return { title: t("error.unexpected.title"), text: t("error.unexpected.text"), reason };
  if (known.status === 0) return { title: t("error.network.title"), text: t("error.network.text"), reason };
  if (known.status === 403) return { title: t("error.forbidden.title"), text: t("error.forbidden.text"), reason };
  if (known.status === 404) return { title: t("error.not_found.title"), text: t("error.not_found.text"), reason };
  const ofNumber = NUMBER_PROBLEMS.find((code) => code === known.code);
  if (ofNumber) return { title: t("error.number.title"), text: t(`problem.${ofNumber}`), reason };
  if (known.status === 503 || known.status === 429) return { title: t("error.busy.title"), text: t("error.busy.text"), reason };
  if (known.status >= 500) return { title: t("error.server.title"), text: t("error.server.text"), reason };
  return { title: t("error.other.title"), text: t("error.server.text"), reason };
}

/** What to tell the administrator, where only the log can say what happened. */
export function RequestId({ error }: { error: Error }) {
  const id = error instanceof ApiError && error.status >= 500 ? error.requestId : "";
  return id ? <p className="small">{t("error.request_id", { id })}</p> : null;
}

export function ErrorState({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const Restricted = useContext(RestrictedContext);
  if (Restricted && error instanceof ApiError && error.code === "patient_restricted") return <Restricted />;
  const { title, text, reason } = describe(error);
  const final = error instanceof ApiError && [403, 404, 409, 422].includes(error.status);
  return (
    <div role="alert">
      <Blank icon="alert" title={title} text={text}>
        {reason && <p className="reason">{t("error.reason", { detail: reason })}</p>}
        <RequestId error={error} />
        {onRetry && !final && (
          <button type="button" className="button" onClick={onRetry}>
            {t("error.retry")}
          </button>
        )}
      </Blank>
    </div>
  );
}
