/** Local accounts, keys of programs, and viewer links that are still good. */
import { ApiError } from "./errors";
import { useChange, useListOf, useLoadAgain } from "./lists";
import type * as schema from "./schema";

export type Account = schema.AccountAnswer;
export type ServiceKey = schema.ServiceKeyAnswer;
export type NewServiceKey = schema.NewServiceKeyAnswer;
export type ViewerToken = schema.TokenEntry;
export type NewAccount = schema.NewAccountBody;

export const useAccounts = (offset: number) => useListOf<Account>("accounts", offset);
export const useServiceKeys = (offset: number) => useListOf<ServiceKey>("service-keys", offset);
export const useViewerTokens = (offset: number) => useListOf<ViewerToken>("dicom/viewer-token", offset);

export const useCreateAccount = () =>
  useChange("accounts", (ask, body: NewAccount) => ask<Account>("accounts", { method: "POST", body }));

/** Throws ApiError `version_changed` when somebody else has changed since what was `seen`; signing in changes nothing of it. */
export const useChangeAccount = () =>
  useChange("accounts", async (ask, { seen, ...body }: schema.AccountBody & { seen: Account }) => {
    const path = `accounts/${encodeURIComponent(seen.username)}`;
    let tag = "";
    const now = await ask<Account>(path, { onTag: (its) => (tag = its) });
    if (editable(now) !== editable(seen)) throw new ApiError(412, "version_changed");
    return ask<Account>(path, { method: "PUT", body, headers: { "If-Match": tag } });
  });

/** What people change of an account, to be compared. */
export const editable = ({ full_name, roles, active }: Account) => JSON.stringify([full_name, roles, active]);

export const useLoadAccounts = () => useLoadAgain("accounts");

export const useSetPassword = () =>
  useChange("accounts", (ask, { username, password }: { username: string; password: string }) =>
    ask<void>(`accounts/${encodeURIComponent(username)}/password`, { method: "POST", body: { password } }),
  );

export const useCreateServiceKey = () =>
  useChange("service-keys", (ask, body: { name: string; roles: string[] }) => ask<NewServiceKey>("service-keys", { method: "POST", body }));

export const useRevokeServiceKey = () =>
  useChange("service-keys", (ask, id: string) => ask<void>(`service-keys/${encodeURIComponent(id)}`, { method: "DELETE" }));

export const useRevokeViewerToken = () =>
  useChange("dicom/viewer-token", (ask, id: string) => ask<void>(`dicom/viewer-token/${encodeURIComponent(id)}`, { method: "DELETE" }));
