import { useQueryClient } from "@tanstack/react-query";

/** Where somebody else has saved in between: what is there now is loaded, and the dialog ends. */
export function useLoadAgainAndClose(onClose: () => void) {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries();
    onClose();
  };
}
