import type { ReactNode } from "react";
import type { Permission } from "../api/types";
import { useMay } from "../auth/permissions";
import { t, word } from "../i18n";
import { Blank } from "./Blank";
import { Page } from "./Page";

/** In the place of something that is closed to this person: which permission opens it, and who gives it. */
export function NoPermission({ permission }: { permission: Permission }) {
  return (
    <Blank
      icon="lock"
      title={t("no_permission.title")}
      text={t("no_permission.text", { permission: word("permission", permission) })}
    />
  );
}

/** A whole page behind a permission. The server decides for itself; this only spares a refusal. */
export function NeedsPermission({ permission, title, children }: { permission: Permission; title: string; children: ReactNode }) {
  if (useMay(permission)) return children;
  return (
    <Page title={title}>
      <NoPermission permission={permission} />
    </Page>
  );
}
