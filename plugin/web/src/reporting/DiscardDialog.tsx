import { useNavigate } from "react-router-dom";
import { useDiscard } from "../api/reports";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

export function DiscardDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const discard = useDiscard(id);
  const navigate = useNavigate();
  const say = useSay();
  return (
    <ReasonDialog
      title={t("report.discard.title")}
      action={t("report.discard")}
      danger
      busy={discard.isPending}
      error={discard.error}
      onClose={onClose}
      onConfirm={(reason) => {
        discard.mutateAsync(reason).then(
          () => {
            say({ text: t("report.discarded") });
            void navigate("/reading");
          },
          () => {}, // the dialog shows it
        );
      }}
    >
      <p>{t("report.discard.text")}</p>
    </ReasonDialog>
  );
}
