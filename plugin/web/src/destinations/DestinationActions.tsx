import { useState } from "react";
import { useRemoveDestination, useRenewSecret, useStartDestination, type Destination, type Queue } from "../api/destinations";
import { BusyButton } from "../components/BusyButton";
import { FormDialog } from "../components/FormDialog";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { DestinationDialog } from "./DestinationDialog";
import { SecretDialog } from "./SecretDialog";

interface Props {
  destination: Destination;
  queue: Queue | undefined;
  onShow: () => void;
}

/** What can be done with one destination. */
export function DestinationActions({ destination, queue, onShow }: Props) {
  const [asking, setAsking] = useState<"change" | "remove" | "secret" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const start = useStartDestination();
  const say = useSay();
  const { name } = destination;
  const close = () => setAsking(null);
  const isHeld = Boolean(queue && (queue.stopped_at || queue.failing_since));
  return (
    <>
      <span className="row-actions">
        <button type="button" className="button button-small" aria-label={t("destinations.deliveries.label", { name })} onClick={onShow}>
          {t("destinations.deliveries")}
        </button>
        {isHeld && (
          <BusyButton className="button button-small" aria-label={t("destinations.start.label", { name })} busy={start.isPending} onPress={() => start.mutate(name)}>
            {t("destinations.start")}
          </BusyButton>
        )}
        {!destination.subscription && (
          <button type="button" className="button button-small" aria-label={t("destinations.change.label", { name })} onClick={() => setAsking("change")}>
            {t("destinations.change")}
          </button>
        )}
      </span>
      <span className="row-actions">
        {destination.kind === "webhook" && !destination.subscription && (
          <button type="button" className="button button-small" aria-label={t("destinations.renew.label", { name })} onClick={() => setAsking("secret")}>
            {t("destinations.renew")}
          </button>
        )}
        <button type="button" className="button button-small" aria-label={t("destinations.remove.label", { name })} onClick={() => setAsking("remove")}>
          {t("destinations.remove")}
        </button>
      </span>
      <Problem error={start.error} />
      {asking === "change" && (
        <DestinationDialog
          key={destination.updated_at}
          destination={destination}
          onDone={() => {
            say({ text: t("destinations.saved", { name }) });
            close();
          }}
          onClose={close}
        />
      )}
      {asking === "remove" && <RemoveDialog name={name} waiting={queue?.waiting ?? 0} onClose={close} />}
      {asking === "secret" && <RenewDialog name={name} onDone={setSecret} onClose={close} />}
      {secret && <SecretDialog name={name} secret={secret} isRenewed onClose={() => setSecret(null)} />}
    </>
  );
}

function RenewDialog({ name, onDone, onClose }: { name: string; onDone: (secret: string) => void; onClose: () => void }) {
  const renew = useRenewSecret();
  const submit = () =>
    renew.mutate(name, {
      onSuccess: ({ secret }) => {
        onClose();
        onDone(secret);
      },
    });
  return (
    <FormDialog title={t("destinations.renew.title", { name })} action={t("destinations.renew")} busy={renew.isPending} error={renew.error} onSubmit={submit} onClose={onClose}>
      <p>{t("destinations.renew.text")}</p>
    </FormDialog>
  );
}

function RemoveDialog({ name, waiting, onClose }: { name: string; waiting: number; onClose: () => void }) {
  const remove = useRemoveDestination();
  const say = useSay();
  const submit = () =>
    remove.mutate(name, {
      onSuccess: () => {
        say({ text: t("destinations.removed", { name }) });
        onClose();
      },
    });
  return (
    <FormDialog title={t("destinations.remove.title", { name })} action={t("destinations.remove")} danger busy={remove.isPending} error={remove.error} onSubmit={submit} onClose={onClose}>
      <p>{t("destinations.remove.text", { count: waiting })}</p>
    </FormDialog>
  );
}
