import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useApi } from "../api/context";
import { endSession } from "../api/queries";
import { useUploadServices } from "../upload/context";

/** Leave nothing of this user behind: no upload, no answer of the server, no token, neither here nor in other tabs. */
export function useSignOut(): () => void {
  const { ask, session } = useApi();
  const forget = useForget();
  return useCallback(() => {
    const state = session.snapshot();
    const token = "token" in state ? state.token : null;
    // A session that the EHR began is not ours to end.
    if (token && !("launched" in state && state.launched)) void endSession(ask, token);
    forget();
    session.signOut();
  }, [ask, session, forget]);
}

/** Leave this tab to somebody else; the other tabs stay hidden, until their user comes back or somebody else signs in. */
export function useLeave(): () => void {
  const { session } = useApi();
  const forget = useForget();
  return useCallback(() => {
    forget();
    session.leave();
  }, [session, forget]);
}

function useForget(): () => void {
  const { desk, uploader } = useUploadServices();
  const client = useQueryClient();
  return useCallback(() => {
    uploader.forget();
    desk.forget();
    client.clear();
  }, [uploader, desk, client]);
}
