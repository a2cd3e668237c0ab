/** Where the bytes of a file to send are: a file of the disc, or an entry of a ZIP. Plain data, so a worker can be handed it. */
import { readEntry, type Entry } from "./zip";

export interface Source {
  /** The path inside the folder or archive it came from. */
  name: string;
  size: number;
  /** The file, or the archive that holds it. */
  file: Blob;
  entry: Entry | null;
}

export function fileSource(file: File, name: string): Source {
  return { name, size: file.size, file, entry: null };
}

export function entrySource(file: Blob, archive: string, entry: Entry): Source {
  return { name: `${archive}/${entry.name}`, size: entry.size, file, entry };
}

/** All of its bytes. Rejects when they cannot be read any more. */
export async function contentOf({ file, entry }: Source): Promise<Blob> {
  return entry ? readEntry(file, entry) : file;
}

export async function headOf({ file, entry }: Source, bytes: number): Promise<Uint8Array> {
  const head = entry ? await readEntry(file, entry, bytes) : file.slice(0, bytes);
  return new Uint8Array(await head.arrayBuffer());
}
