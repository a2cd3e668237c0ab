import { useId } from "react";
import { NavLink } from "react-router-dom";
import { useCurrentUser } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { t, type MessageKey } from "../i18n";
import { placesFor } from "./places";

export function Navigation({ onGo }: { onGo?: () => void }) {
  const { permissions } = useCurrentUser();
  return (
    <nav aria-label={t("nav.label")} className="places">
      {placesFor(permissions).map(({ label, places }) => (
        <Group key={label} label={label}>
          {places.map(({ to, label: name, icon }) => (
            <li key={to}>
              <NavLink to={to} onClick={onGo}>
                <Icon name={icon} />
                {plain(name)}
              </NavLink>
            </li>
          ))}
        </Group>
      ))}
    </nav>
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
