import { useId } from "react";
import { NavLink } from "react-router-dom";
import { useCurrentUser } from "../auth/permissions";
import { useCounts, type Counts } from "../api/live";
import { useVisit } from "../auth/visit";
import { Icon, type IconName } from "../components/Icon";
import { formatNumber, t, type MessageKey } from "../i18n";
import { PLACE_GROUPS, placesFor } from "./places";

export function Navigation({ onGo }: { onGo?: () => void }) {
  const { permissions, sharing } = useCurrentUser();
  const visit = useVisit();
  const counts = useCounts(permissions.includes("read") && !visit);
  if (visit) {
    return (
      <nav aria-label={t("nav.label")} className="places">
        <Group label="visit.label">
          <Entry to={visit} name={t("visit.back")} icon="person" waiting={0} said={undefined} {...(onGo ? { onGo } : {})} />
        </Group>
      </nav>
    );
  }
  return (
    <nav aria-label={t("nav.label")} className="places">
      {placesFor(permissions, PLACE_GROUPS, sharing).map(({ label, places }) => (
        <Group key={label} label={label}>
          {places.map(({ to, label: name, icon, count }) => (
            <Entry key={to} to={to} name={plain(name)} icon={icon} waiting={(count && counts?.[count]) || 0} said={count} {...(onGo ? { onGo } : {})} />
          ))}
        </Group>
      ))}
    </nav>
  );
}

interface EntryProps {
  to: string;
  name: string;
  icon: IconName;
  waiting: number;
  said: keyof Counts | undefined;
  onGo?: () => void;
}

/** What waits stands beside the link and describes it: its name stays the place's. */
function Entry({ to, name, icon, waiting, said, onGo }: EntryProps) {
  const id = useId();
  const shown = said !== undefined && waiting > 0;
  return (
    <li>
      <NavLink to={to} onClick={onGo} {...(shown ? { "aria-describedby": id } : {})}>
        <Icon name={icon} />
        {name}
      </NavLink>
      {shown && (
        <span className="places-count" id={id}>
          <span aria-hidden="true">{formatNumber(waiting)}</span>
          <span className="visually-hidden">{t(`nav.count.${said}`, { count: waiting })}</span>
        </span>
      )}
    </li>
  );
}

function Group({ label, children }: { label: MessageKey; children: React.ReactNode }) {
  const id = useId();
  return (
    <div>
      <p id={id} className="places-title">
        {plain(label)}
      </p>
      <ul aria-labelledby={id}>{children}</ul>
    </div>
  );
}

/** A place's name has no blanks. */
function plain(key: MessageKey): string {
  return (t as (key: MessageKey) => string)(key);
}
