/** The links to one study, on its page. */
import { useSharesOf } from "../api/shares";
import { useCurrentUser } from "../auth/permissions";
import { formatInstant, t } from "../i18n";
import { EndShare } from "./EndShare";
import { canEnd, stateText, usesText } from "./words";

export function SharesPanel({ study }: { study: string }) {
  const { sharing, permissions } = useCurrentUser();
  const may = permissions.includes("download") || permissions.includes("accounts");
  return sharing && may ? <Shares study={study} /> : null;
}

function Shares({ study }: { study: string }) {
  const { data } = useSharesOf(study);
  if (!data || data.items.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="shares-title">
      <h2 id="shares-title">{t("sharing.of_study")}</h2>
      <ul className="share-list">
        {data.items.map((share) => (
          <li key={share.id}>
            <div>
              <strong>{stateText(share)}</strong>
              <span className="second">{usesText(share)}</span>
              <span className="second">{t("keys.made", { who: share.created_by, when: formatInstant(share.created_at) })}</span>
            </div>
            {canEnd(share) && <EndShare share={share} />}
          </li>
        ))}
      </ul>
    </section>
  );
}
