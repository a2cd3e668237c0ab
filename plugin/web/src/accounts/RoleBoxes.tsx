import { useId } from "react";
import { t, word } from "../i18n";

interface Props {
  roles: readonly string[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

/** Which roles somebody has; several add up. What the server knows and this page does not stays as it is. */
export function RoleBoxes({ roles, chosen, onChange }: Props) {
  const id = useId();
  const offered = [...roles, ...chosen.filter((role) => !roles.includes(role))];
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
            <span className="second">{word("role.may", role)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
