import { useQueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/errors";
import { t } from "../i18n";

/** The way out where somebody else has saved in between: what is there now, to decide again. */
export function LoadAgain({ error, onClose }: { error: Error | null; onClose: () => void }) {
  const client = useQueryClient();
  if (!(error instanceof ApiError && error.code === "version_changed")) return null;
  return (
    <button
      type="button"
      className="button"
      onClick={() => {
        void client.invalidateQueries();
        onClose();
      }}
    >
      {t("action.load_again")}
    </button>
  );
}
