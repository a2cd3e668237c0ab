import { useId } from "react";
import { useSystem } from "../api/system";
import { useMay } from "../auth/permissions";
import { mayWords } from "../components/roleWords";
import { t, word } from "../i18n";
import { BUILT_IN_ROLES } from "./roles";

interface Props {
  roles: readonly string[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

/** Which roles somebody has; several add up. The site's own ones are offered to all. What the server knows and this page does not stays as it is. */
export function RoleBoxes({ roles, chosen, onChange }: Props) {
  const id = useId();
  const mayAccounts = useMay("accounts");
  const mayAudit = useMay("audit");
  const changed = (useSystem(mayAccounts || mayAudit).data?.roles ?? []).filter((role) => !role.is_built_in);
  const own = changed.map((role) => role.name).filter((role) => !BUILT_IN_ROLES.includes(role));
  const offered = [...new Set([...roles, ...own, ...chosen])];
  const may = (name: string) => {
    const role = changed.find((each) => each.name === name);
    return role ? mayWords(role) : word("role.may", name);
  };
  return (
    <fieldset className="boxes">
      <legend>{t("accounts.roles")}</legend>
      {offered.map((role) => (
        <label key={role} htmlFor={`${id}-${role}`} className="box">
          <input
            id={`${id}-${role}`}
            type="checkbox"
            checked={chosen.includes(role)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, role] : chosen.filter((each) => each !== role))}
          />
          <span>
            {word("role", role)}
            <span className="second">{may(role)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
