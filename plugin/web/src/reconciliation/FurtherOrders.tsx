import { useId } from "react";
import { useOrdersOf } from "../api/patients";
import { OrderStatus, OrNone } from "../components/values";
import { t } from "../i18n";

interface Props {
  patientId: string;
  /** The one already chosen, whose number goes into the files. */
  orderId: string;
  chosen: readonly string[];
  onChange: (ids: string[]) => void;
}

/** The patient's other orders, where one examination has answered several: thorax and abdomen in one go. */
export function FurtherOrders({ patientId, orderId, chosen, onChange }: Props) {
  const id = useId();
  const orders = useOrdersOf(patientId);
  const others = (orders.data ?? []).filter((order) => order.id !== orderId && order.status !== "cancelled");
  if (others.length === 0) return null;
  return (
    <fieldset className="boxes">
      <legend>{t("reconciliation.further")}</legend>
      {others.map((order) => (
        <label key={order.id} htmlFor={`${id}-${order.id}`} className="box">
          <input
            id={`${id}-${order.id}`}
            type="checkbox"
            checked={chosen.includes(order.id)}
            onChange={({ target }) => onChange(target.checked ? [...chosen, order.id] : chosen.filter((one) => one !== order.id))}
          />
          <span>
            <span className="number">{order.accession_number}</span> <OrderStatus status={order.status} /> {order.modality} · <OrNone>{order.description}</OrNone>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
