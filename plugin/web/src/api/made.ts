/** What was made: the images of a series one by one, and pictures of them that the server renders (PS3.18 section 10.4.1.1.3). */
import { useQuery } from "@tanstack/react-query";
import { useFetch } from "./files";
import type { Dataset } from "./objects";

export interface MadeImage {
  instance: string;
  /** From 1. */
  frame: number;
  frames: number;
}

const series = (study: string, uid: string) => `/dicom-web/studies/${encodeURIComponent(study)}/series/${encodeURIComponent(uid)}`;
const INSTANCE_UID = "00080018";
const INSTANCE_NUMBER = "00200013";
const FRAMES = "00280008";
const A_MINUTE = 60_000;

/** The images of a series in the order of their numbers; each frame is one. */
export function useMadeImages(study: string, uid: string, enabled = true) {
  const get = useFetch();
  return useQuery({
    queryKey: ["study", study, "made", uid],
    enabled,
    staleTime: A_MINUTE,
    queryFn: async ({ signal }) => {
      const answer = await get(`${series(study, uid)}/instances?includefield=${FRAMES}`, "application/dicom+json", signal);
      return imagesOf(answer.status === 204 ? [] : ((await answer.json()) as Dataset[]));
    },
  });
}

/** What the file of one image says, without its pixels. */
export function useMadeFacts(study: string, uid: string, instance: string | undefined) {
  const get = useFetch();
  return useQuery({
    queryKey: ["study", study, "made", uid, "facts", instance],
    enabled: instance !== undefined,
    staleTime: A_MINUTE,
    queryFn: async ({ signal }) => {
      const answer = await get(`${series(study, uid)}/instances/${encodeURIComponent(instance ?? "")}/metadata`, "application/dicom+json", signal);
      return ((await answer.json()) as Dataset[])[0] ?? {};
    },
  });
}

/** A picture of one image; `side`: at most so many pixels, `window`: center and width instead of the file's own. */
export function useMadePicture(study: string, uid: string, image: MadeImage | undefined, { side, window }: { side?: number; window?: readonly [number, number] | null }) {
  const get = useFetch();
  const query = new URLSearchParams();
  if (side) query.set("viewport", `${side},${side}`);
  if (window) query.set("window", `${window[0]},${window[1]},linear`);
  const asked = query.toString();
  return useQuery({
    queryKey: ["study", study, "made", uid, "picture", image?.instance, image?.frame, asked],
    enabled: image !== undefined,
    retry: false,
    staleTime: A_MINUTE,
    gcTime: A_MINUTE,
    queryFn: async ({ signal }) => {
      const frame = image && image.frames > 1 ? `/frames/${image.frame}` : "";
      const path = `${series(study, uid)}/instances/${encodeURIComponent(image?.instance ?? "")}${frame}/rendered`;
      // Orthanc decodes no values of arguments: a comma must arrive as one.
      return (await get(`${path}${asked ? `?${asked.replaceAll("%2C", ",")}` : ""}`, "image/png", signal)).blob();
    },
  });
}

export function imagesOf(found: readonly Dataset[]): MadeImage[] {
  const number = (one: Dataset, tag: string) => Number(one[tag]?.Value?.[0] ?? 0) || 0;
  const uid = (one: Dataset) => {
    const value = one[INSTANCE_UID]?.Value?.[0];
    return typeof value === "string" ? value : "";
  };
  return [...found]
    .sort((one, other) => number(one, INSTANCE_NUMBER) - number(other, INSTANCE_NUMBER) || uid(one).localeCompare(uid(other)))
    .flatMap((one) => {
      const frames = Math.max(1, number(one, FRAMES));
      return Array.from({ length: frames }, (_, at) => ({ instance: uid(one), frame: at + 1, frames }));
    });
}
