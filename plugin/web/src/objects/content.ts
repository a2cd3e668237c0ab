/** A structured report as headings and lines (PS3.3 section C.17.3). Pure. */
import type { Dataset } from "../api/objects";
import { clock, day, items, meaning, moment, term, text } from "./dataset";

export interface Line {
  /** What it is about; "" where the document does not say. */
  name: string;
  value: string;
  children: Line[];
}

/** Deeper than any real report; a file that nests further is cut off here. */
const DEEPEST = 24;

export function titleOf(document: Dataset): string {
  return meaning(document, "0040A043");
}

/** The whole tree below the title. Properties without words of their own (language, coordinates of a mark) say their numbers. */
export function linesOf(document: Dataset, depth = 0): Line[] {
  if (depth >= DEEPEST) return [];
  return items(document, "0040A730").map((item) => ({
    name: meaning(item, "0040A043"),
    value: valueOf(item),
    children: linesOf(item, depth + 1),
  }));
}

function valueOf(item: Dataset): string {
  switch (text(item, "0040A040")) {
    case "NUM": {
      const [measured] = items(item, "0040A300");
      const unit = text(items(measured, "004008EA")[0], "00080100");
      const qualifier = meaning(item, "0040A301");
      return measured ? [text(measured, "0040A30A"), unit === "1" ? "" : unit].filter(Boolean).join(" ") : qualifier;
    }
    case "CODE":
      return meaning(item, "0040A168");
    case "TEXT":
      return text(item, "0040A160");
    case "PNAME":
      return text(item, "0040A123");
    case "DATE":
      return day(text(item, "0040A121"));
    case "TIME":
      return clock(text(item, "0040A122"));
    case "DATETIME":
      return moment(text(item, "0040A120"));
    case "UIDREF":
      return text(item, "0040A124");
    case "IMAGE":
    case "COMPOSITE":
    case "WAVEFORM": {
      const [reference] = items(item, "00081199");
      const frames = text(reference, "00081160");
      return [text(reference, "00081155"), frames && `#${frames}`].filter(Boolean).join(" ");
    }
    case "SCOORD":
    case "SCOORD3D":
      return term(text(item, "00700023"));
    default:
      return "";
  }
}
