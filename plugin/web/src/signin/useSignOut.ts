import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useApi } from "../api/context";
import { useUploadServices } from "../upload/context";

/** Leave nothing of this user behind: no upload, no answer of the server, no token. */
export function useSignOut(): () => void {
  const { session } = useApi();
  const { desk, uploader } = useUploadServices();
  const client = useQueryClient();
  return useCallback(() => {
    uploader.forget();
    desk.forget();
    session.signOut();
    client.clear();
  }, [uploader, desk, session, client]);
}
