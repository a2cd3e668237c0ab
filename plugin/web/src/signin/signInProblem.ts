/** Why a password was not taken, and what to do about it. Pure. */
import { ApiError } from "../api/errors";
import { describe } from "../components/ErrorState";
import { t } from "../i18n";

/** As the server's documentation has it, should an answer not say how long. */
const LOCKED_SECONDS = 15 * 60;

/** The name is locked, or too many people try: for how long. Null when it is neither. */
export function waitProblem(error: Error | null): string | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "account_locked") return t("sign_in.locked", { count: Math.ceil((error.retryAfter ?? LOCKED_SECONDS) / 60) });
  if (error.code === "rate_limited" && error.retryAfter) return t("sign_in.limited", { count: error.retryAfter });
  return null;
}

export function signInProblem(error: Error | null): string | null {
  if (!error) return null;
  const wait = waitProblem(error);
  if (wait) return wait;
  if (error instanceof ApiError && error.status === 401) return t("sign_in.wrong");
  const { title, text } = describe(error);
  return `${title}. ${text}`;
}
