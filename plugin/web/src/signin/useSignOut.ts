import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useServices } from "../services";

/** Leave nothing of this user behind: no upload, no answer of the server, no token. */
export function useSignOut(): () => void {
  const { session, desk, uploader } = useServices();
  const client = useQueryClient();
  return useCallback(() => {
    uploader.forget();
    desk.forget();
    session.signOut();
    client.clear();
  }, [uploader, desk, session, client]);
}
