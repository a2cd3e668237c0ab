import { useState } from "react";
import { useEndShare, type Share } from "../api/shares";
import { FormDialog } from "../components/FormDialog";
import { useSay } from "../components/Toast";
import { formatInstant, t } from "../i18n";

/** Ends a link at once, after asking. */
export function EndShare({ share }: { share: Share }) {
  const end = useEndShare();
  const say = useSay();
  const [isAsking, setAsking] = useState(false);
  const close = () => {
    setAsking(false);
    end.reset();
  };
  const ended = () => {
    say({ text: t("sharing.end.done") });
    close();
  };
  return (
    <>
      <button
        type="button"
        className="button button-small"
        aria-label={t("sharing.end.label", { when: formatInstant(share.created_at) })}
        onClick={() => setAsking(true)}
      >
        {t("sharing.end")}
      </button>
      {isAsking && (
        <FormDialog
          title={t("sharing.end.title")}
          action={t("sharing.end")}
          danger
          busy={end.isPending}
          error={end.error}
          onClose={close}
          onSubmit={() => end.mutate(share.id, { onSuccess: ended })}
        >
          <p>{t("sharing.end.text")}</p>
        </FormDialog>
      )}
    </>
  );
}
