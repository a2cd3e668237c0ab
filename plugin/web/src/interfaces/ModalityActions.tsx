import { useState } from "react";
import { useEcho, useRemoveModality, type Modality } from "../api/modalities";
import { BusyButton } from "../components/BusyButton";
import { FormDialog } from "../components/FormDialog";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { ModalityDialog } from "./ModalityDialog";

/** What can be done with one modality, and what the last C-ECHO said. */
export function ModalityActions({ modality }: { modality: Modality }) {
  const [asking, setAsking] = useState<"change" | "remove" | null>(null);
  const echo = useEcho(modality.ae_title);
  const title = modality.ae_title;
  const close = () => setAsking(null);
  return (
    <>
      <span className="row-actions">
        <BusyButton className="button button-small" aria-label={t("modalities.echo.label", { title })} busy={echo.isPending} onPress={() => echo.mutate()}>
          {t("modalities.echo")}
        </BusyButton>
        <button type="button" className="button button-small" aria-label={t("modalities.change.label", { title })} onClick={() => setAsking("change")}>
          {t("modalities.change")}
        </button>
        <button type="button" className="button button-small" aria-label={t("modalities.remove.label", { title })} onClick={() => setAsking("remove")}>
          {t("modalities.remove")}
        </button>
      </span>
      <span role="status" className="second">
        {echo.data && (echo.data.ok ? <span className="text-good">{t("modalities.echo.ok", { ms: echo.data.ms })}</span> : <span className="text-bad">{t("modalities.echo.failed")}</span>)}
      </span>
      <Problem error={echo.error} />
      {asking === "change" && <ModalityDialog key={modality.updated_at} modality={modality} onClose={close} />}
      {asking === "remove" && <RemoveDialog title={title} onClose={close} />}
    </>
  );
}

function RemoveDialog({ title, onClose }: { title: string; onClose: () => void }) {
  const remove = useRemoveModality();
  const say = useSay();
  return (
    <FormDialog
      title={t("modalities.remove.title", { title })}
      action={t("modalities.remove")}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onSubmit={() =>
        remove.mutate(title, {
          onSuccess: () => {
            say({ text: t("modalities.removed", { title }) });
            onClose();
          },
        })
      }
    >
      <p>{t("modalities.remove.text")}</p>
    </FormDialog>
  );
}
