/** From what stands in the address and the search box of the upload history to what the server is asked. Pure. */
import { rangeOf } from "../api/dayRange";
import type { UploadFilter } from "../api/uploads";
import type { ListPlace } from "../components/useListPlace";

export const DEFAULTS = { status: "", source: "", from: "", to: "", study: "", issuer: "" };
/** What is typed: it stays out of the address. */
export const NO_TEXTS = { who: "", mrn: "", file: "", address: "" };
export type Text = keyof typeof NO_TEXTS;
/** An upload of which nothing could be stored has no entry, so nobody need look for "failed". */
export const STATES = ["success", "partial"] as const;
export const SOURCES = ["manual", "api", "cd_import", "modality"] as const;

const UID = /^[0-9.]{1,64}$/;

type Place = ListPlace<keyof typeof DEFAULTS>;

/** An address somebody has written by hand asks for what it makes sense to ask for. */
export function filterOf({ texts, filters, offset }: Place): UploadFilter {
  const { who, mrn, file, address } = { ...NO_TEXTS, ...texts };
  return {
    uploaded_by: who,
    patient: mrn,
    issuer: mrn ? filters.issuer : "",
    file_name: file,
    source_address: address,
    upload_status: STATES.find((each) => each === filters.status) ?? "",
    upload_source: SOURCES.find((each) => each === filters.source) ?? "",
    study: UID.test(filters.study) ? filters.study : "",
    ...rangeOf(filters.from, filters.to),
    offset,
  };
}

export function asksForAll({ texts, filters }: Pick<Place, "texts" | "filters">): boolean {
  return [...Object.values(texts), ...Object.values(filters)].every((value) => value === "");
}
