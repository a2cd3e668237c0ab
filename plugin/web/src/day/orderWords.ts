/** What the pages say about an order. Pure. */
import type { Order } from "../api/types";
import { t } from "../i18n";
import { personName } from "../i18n/person";

/** An order has a Study Instance UID before it has images: the worklist hands it out. */
export function hasImages(order: Order): boolean {
  return Boolean(order.study_instance_uid) && (order.number_of_images ?? 0) > 0;
}

/** The modality where the description does not begin with it: "CT" of "Thorax", nothing of "CT thorax". */
export function modalityBeside({ modality, description }: Pick<Order, "modality" | "description">): string {
  const [first] = description.trim().toLowerCase().split(/[\s,:;/-]/, 1);
  return modality && first !== modality.toLowerCase() ? modality : "";
}

/** "CT Thorax, Doe, Jane": what a View button opens. */
export function orderTitle(order: Order): string {
  const what = order.description || order.modality || order.accession_number;
  return t("view.what", { what, patient: personName(order.patient_name) || t("patient.unknown") });
}
