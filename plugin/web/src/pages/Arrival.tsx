import { useArrival } from "../api/queries";
import type { Order } from "../api/types";
import { useMay } from "../auth/permissions";
import { BusyButton } from "../components/BusyButton";
import { Icon } from "../components/Icon";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";

/** Saying that the patient is there, and taking that back until there are images. */
export function Arrival({ order }: { order: Order }) {
  const mayUpload = useMay("upload");
  const mayRegister = useMay("register");
  const mayReceive = mayUpload || mayRegister;
  const arrival = useArrival(String(order.id));
  const say = useSay();
  const isThere = order.status === "arrived";
  if (!mayReceive || (order.status !== "scheduled" && !isThere)) return null;
  return (
    <>
      <BusyButton
        busy={arrival.isPending}
        onPress={() =>
          arrival.mutate(!isThere, {
            onSuccess: (after) => say({ text: t(after.status === "arrived" ? "order.arrival.said" : "order.arrival.withdrawn") }),
          })
        }
      >
        {!isThere && <Icon name="check" />}
        {t(isThere ? "order.arrival.withdraw" : "order.arrival.say")}
      </BusyButton>
      <Problem error={arrival.error} />
    </>
  );
}
