/** Which roles there are here, and what each may do. */
import type { RoleAnswer } from "../api/schema";
import { Fact, Facts } from "../components/Facts";
import { mayWords } from "../components/roleWords";
import { t, word } from "../i18n";

export function RolesPanel({ roles }: { roles: readonly RoleAnswer[] }) {
  const isOwn = roles.some((role) => !role.is_built_in);
  return (
    <section className="panel" aria-labelledby="roles-title">
      <h2 id="roles-title">{t("system.roles")}</h2>
      <p className="small">{t(isOwn ? "system.roles.own" : "system.roles.built_in")}</p>
      <Facts>
        {roles.map((role) => (
          <Fact key={role.name} label={word("role", role.name)}>
            {mayWords(role)}
            {!role.is_built_in && <span className="second">{t("system.roles.changed")}</span>}
          </Fact>
        ))}
      </Facts>
    </section>
  );
}
