/** Looks into what was dropped: reads headers, a few at a time. Knows neither worker nor page. */
import { opened, type NotOpened } from "./archives";
import { typeOfContent } from "./contentType";
import { readHeader, type Header } from "./header";
import { headOf, type Source } from "./source";

/** Why a file is not offered for sending. */
export type Refused = "not_dicom" | "directory" | "unreadable" | "empty" | NotOpened;

export type Found =
  | { kind: "image"; source: Source; header: Header }
  /** DICOM, yet its header cannot be read here: the server shall judge it. */
  | { kind: "damaged"; source: Source }
  /** A PDF or picture; `type` is its media type. */
  | { kind: "document"; source: Source; type: string }
  | { kind: "refused"; name: string; size: number; why: Refused };

export interface Progress {
  found: Found[];
  /** Files looked at so far and known so far; archives add to the second. */
  read: number;
  known: number;
}

const FIRST_BYTES = 65_536;
const MORE_BYTES = 4_194_304;
const AT_ONCE = 4;
const TELL_EVERY = 64;

/** Every source once, archives by what they hold; `tell` hears of them in groups. Ends early when `stopped`. */
export async function readAll(sources: readonly Source[], tell: (progress: Progress) => void, stopped: () => boolean): Promise<void> {
  const { sources: files, refused } = await opened(sources);
  let found: Found[] = refused.map((each) => ({ kind: "refused", ...each }));
  let read = refused.length;
  let next = 0;
  const known = read + files.length;
  const say = () => {
    tell({ found, read, known });
    found = [];
  };
  say();
  const work = async () => {
    while (next < files.length && !stopped()) {
      const each = await look(files[next++]!);
      found.push(each); // not before the wait: meanwhile `found` may have become another list
      read += 1;
      if (found.length >= TELL_EVERY) say();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  say();
}

async function look(source: Source): Promise<Found> {
  const refused = (why: Refused): Found => ({ kind: "refused", name: source.name, size: source.size, why });
  if (source.size === 0) return refused("empty");
  try {
    let bytes = Math.min(source.size, FIRST_BYTES);
    const head = await headOf(source, bytes);
    let reading = readHeader(head, bytes >= source.size);
    if (reading.kind === "more") {
      bytes = Math.min(source.size, MORE_BYTES);
      reading = readHeader(await headOf(source, bytes), true);
    }
    if (reading.kind === "header") return { kind: "image", source, header: reading.header };
    const type = reading.kind === "not_dicom" ? typeOfContent(head) : null;
    if (type) return { kind: "document", source, type };
    if (reading.kind === "directory" || reading.kind === "not_dicom") return refused(reading.kind);
    return { kind: "damaged", source };
  } catch {
    return refused(source.entry ? "zip_damaged" : "unreadable");
  }
}
