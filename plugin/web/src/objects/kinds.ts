/** What an object is, and whether the viewer can show it. Pure. */
import type { StudyObject } from "../api/objects";
import { items, text } from "./dataset";

export type Kind = "document" | "keys" | "waveform" | "plan" | "structures" | "dose" | "segments" | "presentation" | "registration" | "values" | "pdf" | "sound" | "other";

const BY_CLASS: readonly (readonly [RegExp, Kind])[] = [
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.59$/, "keys"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\./, "document"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.9\.4\./, "sound"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.9\./, "waveform"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.481\.2$/, "dose"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.481\.3$/, "structures"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.481\.(5|8)$/, "plan"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.(4|5|7)$/, "segments"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.66\.(1|3)$/, "registration"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.67$/, "values"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.11\./, "presentation"],
  [/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.104\.1$/, "pdf"],
];

const BASIC_TEXT = "1.2.840.10008.5.1.4.1.1.88.11";

export function kindOf({ attributes }: StudyObject): Kind {
  const sopClass = text(attributes, "00080016");
  return BY_CLASS.find(([pattern]) => pattern.test(sopClass))?.[1] ?? "other";
}

/**
 * Whether the viewer shows it. Measured with OHIF 3.12: plain text and PDF always; contours and segments over the images
 * that they are of; anything else is a black pane, and some documents with measurements stop the whole viewer.
 */
export function isForViewer(object: StudyObject, hasImages: boolean): boolean {
  const kind = kindOf(object);
  if (kind === "pdf") return true;
  if (kind === "other") return isImage(object);
  if (kind === "structures" || kind === "segments") return hasImages;
  return kind === "document" && text(object.attributes, "00080016") === BASIC_TEXT && items(object.attributes, "0040A043").length > 0;
}

/** A picture of another modality than devices have, such as OT: it has rows and columns of pixels. */
const isImage = ({ attributes }: StudyObject) => attributes["00280010"]?.Value?.[0] !== undefined && attributes["00280011"]?.Value?.[0] !== undefined;

/** The series the viewer may be given: all but those with something it cannot show. */
export function seriesForViewer(objects: readonly StudyObject[], images: readonly { series_instance_uid: string }[]): string[] {
  const shut = new Set(objects.filter((one) => !isForViewer(one, images.length > 0)).map(({ series }) => series.series_instance_uid));
  const others = objects.map(({ series }) => series.series_instance_uid).filter((uid) => !shut.has(uid));
  return [...new Set([...images.map(({ series_instance_uid: uid }) => uid), ...others])];
}
