import type { RoleAnswer } from "../api/schema";
import { t, word } from "../i18n";

/** What a role may do, in one line. */
export function mayWords(role: RoleAnswer): string {
  return role.permissions.map((permission) => word("permission", permission)).join(", ") || t("system.roles.nothing");
}
