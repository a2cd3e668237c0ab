import type { Reconciliation } from "../api/reconciliation";
import { t, word } from "../i18n";

const tones: Record<Reconciliation["why"], string> = { linked: "good", unlinked: "plain", ambiguous: "warn", contradicted: "bad", withheld: "warn" };

/** Why somebody must look; a study being changed just now says so instead. */
export function Why({ why, busy }: { why: Reconciliation["why"]; busy: boolean }) {
  if (busy) return <span className="badge badge-accent">{t("reconciliation.busy")}</span>;
  return <span className={`badge badge-${tones[why]}`}>{word("reconciliation.why", why)}</span>;
}
