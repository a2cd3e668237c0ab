/** What a study holds beside images: reports, waveforms, plans, marks. Read by DICOMweb, as JSON (PS3.18 annex F). */
import { useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { useFetch } from "./files";
import type * as schema from "./schema";
import type { Series } from "./study";

/** Attributes by tag. */
export type Dataset = Readonly<Record<string, { vr?: string; Value?: readonly unknown[] }>>;

export interface StudyObject {
  series: Series;
  attributes: Dataset;
}

/** Modalities whose objects are images or films, which the viewer shows: of them nothing is asked here. */
const OF_IMAGES = new Set("AR BI BMD CR CT CFM DD DG DX DMS ECHO EPT ES GM HC IO IVOCT IVUS LS MG MR NM OAM OP OPM OPT OPTBSV OPTENF OPV OSS OCT PA PT PX RF RG SM ST TG US XA XC".split(" "));

export const isOfImages = (modality: string) => OF_IMAGES.has(modality);

const root = (uid: string) => `/dicom-web/studies/${encodeURIComponent(uid)}`;

/** All of them, and whether the study has images too. `enabled`: the user may view. */
export function useObjects(uid: string, enabled: boolean) {
  const { ask } = useApi();
  const get = useFetch();
  return useQuery({
    queryKey: ["study", uid, "objects"],
    enabled: enabled && uid !== "",
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const { series } = await ask<schema.StudySeriesAnswer>(`dicom/studies/${encodeURIComponent(uid)}/series`, { signal });
      const others = series.filter(({ modality }) => !isOfImages(modality));
      const objects: StudyObject[] = [];
      for (const one of others) {
        const answer = await get(`${root(uid)}/series/${encodeURIComponent(one.series_instance_uid)}/metadata`, "application/dicom+json", signal);
        for (const attributes of (await answer.json()) as Dataset[]) objects.push({ series: one, attributes });
      }
      return { objects, images: series.filter(({ modality }) => isOfImages(modality)) };
    },
  });
}

/** The whole file of an object. */
export function useObjectFile() {
  const get = useFetch();
  return async (study: string, series: string, instance: string, signal?: AbortSignal): Promise<Uint8Array> => {
    const query = new URLSearchParams({ requestType: "WADO", studyUID: study, seriesUID: series, objectUID: instance });
    // Orthanc does not decode the value of contentType.
    return new Uint8Array(await (await get(`/wado?${query.toString()}&contentType=application/dicom`, "application/dicom", signal)).arrayBuffer());
  };
}
