/**
 * ZIP archives among the files, opened as if they were folders, and those inside them too.
 *
 * An archive inside an archive is kept unpacked, so how deep, how large and how many is limited; what is not opened is
 * named.
 */
import { entrySource, type Source } from "./source";
import { isZip, listZip, readEntry } from "./zip";

export type NotOpened = "zip_damaged" | "zip_locked" | "zip_too_deep" | "zip_too_large";

export interface Opened {
  sources: Source[];
  refused: { name: string; size: number; why: NotOpened }[];
}

/** Levels of archives inside an archive, as on the server. */
export const MOST_LEVELS = 3;
const MOST_ENTRIES = 200_000;
const MOST_UNPACKED = 2_147_483_648;
/** Smaller ones may be packed as they like; larger ones that pack better than this hold nothing real. */
const HARMLESS = 67_108_864;
const BEST_RATIO = 8;

/** What is left of what the archives inside one archive may hold and unpack to. */
interface Allowance {
  entries: number;
  bytes: number;
}

export async function opened(sources: readonly Source[]): Promise<Opened> {
  const all: Opened = { sources: [], refused: [] };
  for (const source of sources) await open(source, 0, { entries: MOST_ENTRIES, bytes: MOST_UNPACKED }, all);
  return all;
}

async function open(source: Source, level: number, allowance: Allowance, all: Opened): Promise<void> {
  const refuse = (why: NotOpened, name = source.name, size = source.size) => void all.refused.push({ name, size, why });
  if (!/\.zip$/i.test(source.name)) return void all.sources.push(source);
  try {
    if (level > MOST_LEVELS) return refuse("zip_too_deep");
    if (level > 0 && !fits(source, allowance)) return refuse("zip_too_large");
    const { file, entry } = source;
    const archive = entry ? await readEntry(file, entry) : file;
    if (!(await isZip(archive))) return void all.sources.push(source);
    const { entries, unreadable } = await listZip(archive);
    allowance.entries -= entries.length + unreadable.length;
    if (allowance.entries < 0) return refuse("zip_too_large");
    for (const name of unreadable) refuse("zip_locked", `${source.name}/${name}`, 0);
    for (const each of entries) await open(entrySource(archive, source.name, each), level + 1, allowance, all);
  } catch {
    refuse("zip_damaged");
  }
}

/** Whether an archive inside an archive may be unpacked. Takes what it needs. */
function fits({ entry, size }: Source, allowance: Allowance): boolean {
  if (!entry?.deflated) return true; // nothing is copied
  if (size > allowance.bytes || size > Math.max(HARMLESS, BEST_RATIO * entry.packedSize)) return false;
  allowance.bytes -= size;
  return true;
}
