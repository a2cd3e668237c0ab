import { useState } from "react";
import { useCancelOrder } from "../api/desk";
import type { Order } from "../api/types";
import { useMay } from "../auth/permissions";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { OrderDialog } from "./OrderDialog";

/** What the desk can do with an order. */
export function OrderActions({ order }: { order: Order }) {
  const mayRegister = useMay("register");
  const [asking, setAsking] = useState<"correct" | "cancel" | null>(null);
  const close = () => setAsking(null);
  if (!mayRegister || order.status === "cancelled") return null;
  return (
    <div className="actions">
      <button type="button" className="button" onClick={() => setAsking("correct")}>
        {t("desk.order.correct")}
      </button>
      {order.status !== "reported" && (
        <button type="button" className="button button-danger" onClick={() => setAsking("cancel")}>
          {t("desk.order.cancel")}
        </button>
      )}
      {asking === "correct" && <OrderDialog order={order} patientId={order.patient_id} onDone={close} onClose={close} />}
      {asking === "cancel" && <CancelDialog order={order} onClose={close} />}
    </div>
  );
}

function CancelDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const cancel = useCancelOrder(order.id);
  const say = useSay();
  return (
    <ReasonDialog
      title={t("desk.order.cancel.title", { accession: order.accession_number })}
      action={t("desk.order.cancel")}
      danger
      required={!order.registered_here}
      maxLength={500}
      busy={cancel.isPending}
      error={cancel.error}
      onClose={onClose}
      onConfirm={(reason) =>
        cancel.mutate(reason, {
          onSuccess: () => {
            say({ text: t("desk.order.cancelled", { accession: order.accession_number }) });
            onClose();
          },
        })
      }
    >
      <p>{t("desk.order.cancel.text")}</p>
    </ReasonDialog>
  );
}
