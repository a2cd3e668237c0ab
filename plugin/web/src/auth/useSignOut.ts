import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useServices } from "../services";

/** Leave nothing of this user behind: no upload, no answer of the server, no token. */
export function useSignOut(): () => void {
  const { session, uploads } = useServices();
  const client = useQueryClient();
  return useCallback(() => {
    uploads.forgetAll();
    session.signOut();
    client.clear();
  }, [uploads, session, client]);
}
