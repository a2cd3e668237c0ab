/** What the signed-in user may do, as far as the page is concerned; the server decides for itself. */
import { createContext, useContext } from "react";
import type { Me, Permission } from "../api/types";

export const MeContext = createContext<Me | null>(null);

export function useCurrentUser(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("No user: the page must stand inside RequireSession");
  return me;
}

export function useMay(permission: Permission): boolean {
  return useCurrentUser().permissions.includes(permission);
}
