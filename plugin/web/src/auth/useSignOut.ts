import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { flushSync } from "react-dom";
import { useServices } from "../services";

/** Leave nothing of this user behind: no upload, no answer of the server, no token. */
export function useSignOut(): () => void {
  const { session, uploads } = useServices();
  const client = useQueryClient();
  return useCallback(() => {
    uploads.forgetAll();
    // The pages leave first, or they would ask again for what is cleared under them.
    flushSync(() => session.signOut());
    client.clear();
  }, [uploads, session, client]);
}
