/** From what stands in the list's address and search box to what the server is asked. Pure. */
import type { StudyFilter } from "../api/queries";
import type { ListPlace } from "../components/useListPlace";

export const DEFAULTS = { in: "name", issuer: "", link: "", modality: "", damaged: "", from: "", to: "" };
export const SEARCHED = ["name", "mrn", "accession"] as const;
export const LINKS = ["linked", "unlinked", "ambiguous"] as const;
export const MODALITIES = ["CR", "CT", "DX", "ES", "IO", "MG", "MR", "NM", "OT", "PT", "PX", "RF", "SC", "SR", "US", "XA"] as const;
/** The first is how the list begins. */
export const SORTS = [
  "-created_at",
  "created_at",
  "-study_date",
  "study_date",
  "patient_name",
  "-patient_name",
  "accession_number",
  "-accession_number",
] as const;

const PARAMETER: Record<string, "patient_name" | "patient" | "accession_number"> = {
  name: "patient_name",
  mrn: "patient",
  accession: "accession_number",
};
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** An address somebody has written by hand asks for what it makes sense to ask for. */
export function filterOf({ q, filters, sort, offset }: Omit<ListPlace<keyof typeof DEFAULTS>, "texts">): StudyFilter {
  return {
    [PARAMETER[filters.in] ?? "patient_name"]: q,
    issuer: filters.in === "mrn" && q ? filters.issuer : "",
    link_status: LINKS.find((each) => each === filters.link) ?? "",
    modality: filters.modality,
    damaged: filters.damaged === "yes" ? "true" : "",
    from: DAY.test(filters.from) ? filters.from : "",
    to: DAY.test(filters.to) ? filters.to : "",
    sort: SORTS.find((each) => each === sort) ?? SORTS[0],
    offset,
  };
}
