/** From what stands in the address and the search box of the upload history to what the server is asked. Pure. */
import { rangeOf } from "../api/dayRange";
import type { UploadFilter } from "../api/uploads";
import type { ListPlace } from "../components/useListPlace";

export const DEFAULTS = { in: "who", status: "", source: "", from: "", to: "", study: "" };
export const SEARCHED = ["who", "mrn", "file", "address"] as const;
/** An upload of which nothing could be stored has no entry, so nobody need look for "failed". */
export const STATES = ["success", "partial"] as const;
export const SOURCES = ["manual", "api", "cd_import", "modality"] as const;

const PARAMETER = { who: "uploaded_by", mrn: "patient", file: "file_name", address: "source_address" } as const;
const UID = /^[0-9.]{1,64}$/;

export const searchedIn = (value: string): (typeof SEARCHED)[number] => SEARCHED.find((each) => each === value) ?? "who";

/** An address somebody has written by hand asks for what it makes sense to ask for. */
export function filterOf({ q, filters, offset }: ListPlace<keyof typeof DEFAULTS>): UploadFilter {
  return {
    [PARAMETER[searchedIn(filters.in)]]: q,
    upload_status: STATES.find((each) => each === filters.status) ?? "",
    upload_source: SOURCES.find((each) => each === filters.source) ?? "",
    study_instance_uid: UID.test(filters.study) ? filters.study : "",
    ...rangeOf(filters.from, filters.to),
    offset,
  };
}

export function asksForAll({ q, filters }: Pick<ListPlace<keyof typeof DEFAULTS>, "q" | "filters">): boolean {
  const { in: _, ...narrowing } = filters;
  return !q && Object.values(narrowing).every((value) => value === "");
}
