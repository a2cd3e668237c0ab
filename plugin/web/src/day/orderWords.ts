/** What the pages say about an order. Pure. */
import type { Order } from "../api/types";
import { t } from "../i18n";
import { personName } from "../i18n/person";

/** An order has a Study Instance UID before it has images: the worklist hands it out. */
export function hasImages(order: Order): boolean {
  return Boolean(order.study_instance_uid) && (order.number_of_images ?? 0) > 0;
}

/** "CT Thorax, Doe, Jane": what a View button opens. */
export function orderTitle(order: Order): string {
  const what = order.description || order.modality || order.accession_number;
  return t("view.what", { what, patient: personName(order.patient_name) || t("patient.unknown") });
}
