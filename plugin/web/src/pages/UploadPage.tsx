import { useEffect } from "react";
import { Link, useSearchParams } from "react-router-dom";
import { useOrder } from "../api/queries";
import { usePatient } from "../api/patients";
import { useMay } from "../auth/permissions";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { NoPermission } from "../components/NoPermission";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { t } from "../i18n";
import { Choosing } from "../upload/Choosing";
import { useUploadServices } from "../upload/context";
import { Sending } from "../upload/Sending";
import { isActive, retryableCount } from "../upload/queue";
import { useQueue } from "../upload/useUpload";

/** Files come in: chosen, looked at, confirmed, sent; one upload at a time. */
export function UploadPage() {
  const mayUpload = useMay("upload");
  const queue = useQueue();
  const sending = queue.files.length > 0;
  const [search] = useSearchParams();
  const orderId = search.get("order");
  useMakeRoom(orderId);
  return (
    <Page title={t("upload.page.title")} lead={t(!sending ? "upload.page.lead" : isActive(queue) ? "upload.page.sending" : "upload.page.done")}>
      {!mayUpload ? (
        <NoPermission permission="upload" />
      ) : sending ? (
        <Sending />
      ) : orderId ? (
        <ForOrder id={orderId} />
      ) : (
        <Choosing order={null} />
      )}
    </Page>
  );
}

/** Whoever comes to upload for another order is done with the last upload, unless something of it can be sent again. */
function useMakeRoom(orderId: string | null): void {
  const { desk, uploader } = useUploadServices();
  useEffect(() => {
    const queue = uploader.snapshot();
    const done = queue.files.length > 0 && !isActive(queue) && retryableCount(queue) === 0;
    if (!done || orderId === null || orderId === desk.snapshot().order?.order.id) return;
    uploader.clear();
    desk.clear();
  }, [orderId, desk, uploader]);
}

/** The order first: what is dropped must be seen beside whom it is meant for. */
function ForOrder({ id }: { id: string }) {
  const order = useOrder(id);
  const patient = usePatient(order.data?.patient_id);
  const error = order.error ?? patient.error;
  if (error && !(order.data && patient.data)) {
    return <ErrorState error={error} onRetry={() => void (order.error ? order.refetch() : patient.refetch())} />;
  }
  if (!order.data || !patient.data) return <ListSkeleton label={t("order.loading")} />;
  if (order.data.status === "cancelled") {
    return (
      <Notice kind="warn" title={t("order.cancelled.title")}>
        <p>{t("order.cancelled.text")}</p>
        <Link to="/orders">{t("order.back")}</Link>
      </Notice>
    );
  }
  return <Choosing order={{ order: order.data, patient: patient.data }} />;
}
