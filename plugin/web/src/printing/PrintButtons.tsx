/** Print this page, or labels of what it is about. */
import { useState } from "react";
import { useCurrentUser } from "../auth/permissions";
import { t } from "../i18n";
import { LabelDialog } from "./LabelDialog";

export function PrintButtons({ orderId, patientId }: { orderId?: string; patientId?: string }) {
  const { permissions } = useCurrentUser();
  const [isOpen, setOpen] = useState(false);
  const mayLabel = (["download", "register", "upload"] as const).some((each) => permissions.includes(each));
  return (
    <div className="actions print-buttons">
      <button type="button" className="button" onClick={() => window.print()}>
        {t("print.page")}
      </button>
      {mayLabel && (orderId ?? patientId) && (
        <button type="button" className="button" onClick={() => setOpen(true)}>
          {t("labels.open")}
        </button>
      )}
      {isOpen && <LabelDialog {...(orderId ? { orderId } : { patientId: patientId ?? "" })} onClose={() => setOpen(false)} />}
    </div>
  );
}
