import { useDelivery, type WholeDelivery } from "../api/destinations";
import { ListSkeleton } from "../components/DataList";
import { Dialog } from "../components/Dialog";
import { ErrorState } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Instant, OrNone } from "../components/values";
import { formatInstant, t, word } from "../i18n";
import { Verbatim } from "../interfaces/Changes";

/** One delivery: what is sent, what was answered, which attempts failed. */
export function DeliveryDialog({ id, onClose }: { id: number; onClose: () => void }) {
  const delivery = useDelivery(id);
  return (
    <Dialog title={t("deliveries.one", { id })} wide onClose={onClose}>
      {delivery.data ? <Shown of={delivery.data} /> : delivery.error ? <ErrorState error={delivery.error} onRetry={() => void delivery.refetch()} /> : <ListSkeleton label={t("app.loading")} />}
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("interfaces.close")}
        </button>
      </div>
    </Dialog>
  );
}

function Shown({ of: one }: { of: WholeDelivery }) {
  return (
    <>
      <Facts across>
        <Fact label={t("deliveries.event")}>
          {word("destinations.event", one.type)}, <Instant iso={one.time} />
        </Fact>
        <Fact label={t("deliveries.state")}>{word("deliveries.state", one.state)}</Fact>
        <Fact label={t("deliveries.receipt")}>
          <OrNone>{one.receipt}</OrNone>
        </Fact>
      </Facts>
      {one.tries.length > 0 && (
        <>
          <h3>{t("deliveries.tries")}</h3>
          <ul>
            {one.tries.map(({ at, error }) => (
              <li key={at}>
                {formatInstant(at)}: <bdi>{error}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
      {one.content && (
        <>
          <h3>{t("deliveries.content")}</h3>
          <Verbatim label={t("deliveries.content")} text={one.content} />
        </>
      )}
    </>
  );
}
