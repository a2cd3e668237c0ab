import type { Share } from "../api/shares";
import { formatInstant, t, word } from "../i18n";

/** "opened 2 of 5 times, last on …" */
export function usesText({ uses, max_uses: most, last_used_at: last }: Share): string {
  const times = most === null ? t("sharing.used", { count: uses }) : t("sharing.used.of", { uses, most });
  return last ? t("sharing.used.last", { times, when: formatInstant(last) }) : times;
}

/** How it is, and why it is over. */
export function stateText({ state, end_reason: why, expires_at: until }: Share): string {
  if (state === "ended" && why) return word("sharing.ended", why);
  if (state === "expired") return t("sharing.expired", { when: formatInstant(until) });
  if (state === "used_up") return t("sharing.used_up", { when: formatInstant(until) });
  return t("sharing.good", { when: formatInstant(until) });
}

/** Whether ending it changes anything for anybody. */
export const canEnd = ({ state }: Share) => state === "active" || state === "used_up";
