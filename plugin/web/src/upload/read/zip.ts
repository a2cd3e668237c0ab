/**
 * The entries of a ZIP, each as if it were a file of its own.
 *
 * A ZIP is opened here and not sent whole, so that its images are seen, checked and confirmed like any others, are
 * sent one by one with a pause and a retry, and so that a disc's worth of images never stands in memory: the list is
 * read from the archive's end, an entry's bytes are unpacked when they are needed, as many as are needed.
 * (APPNOTE 6.3.10, sections 4.3 and 4.5.3.)
 */

export interface Entry {
  name: string;
  size: number;
  packedSize: number;
  /** Where its local header begins. */
  offset: number;
  deflated: boolean;
}

export class BadZip extends Error {}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 65_535;
const MOST_ENTRIES = 200_000;

export async function isZip(file: Blob): Promise<boolean> {
  const start = await view(file, 0, 4);
  return start.byteLength === 4 && (start.getUint32(0, true) === LOCAL || start.getUint32(0, true) === END);
}

/**
 * The files inside, folders left out; those that cannot be unpacked here (encrypted, other methods) are named apart.
 * Throws BadZip when it is none, or ends too early.
 */
export async function listZip(file: Blob): Promise<{ entries: Entry[]; unreadable: string[] }> {
  const { count, size, offset } = await findDirectory(file);
  if (count > MOST_ENTRIES || offset + size > file.size) throw new BadZip();
  const directory = await view(file, offset, size);
  const entries: Entry[] = [];
  const unreadable: string[] = [];
  let at = 0;
  for (let nth = 0; nth < count; nth++) {
    if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== CENTRAL) throw new BadZip();
    const flags = directory.getUint16(at + 8, true);
    const method = directory.getUint16(at + 10, true);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((each) => directory.getUint16(at + each, true)) as [number, number, number];
    const name = nameOf(directory, at + 46, nameLength, flags);
    const numbers = sizes(directory, at, at + 46 + nameLength, extraLength);
    if (!name.endsWith("/")) {
      const openable = (flags & 1) === 0 && (method === 0 || method === 8);
      if (openable) entries.push({ name, ...numbers, deflated: method === 8 });
      else unreadable.push(name);
    }
    at += 46 + nameLength + extraLength + commentLength;
  }
  return { entries, unreadable };
}

/** The first `bytes` of an entry; all of it without a limit. Throws BadZip when it is damaged or longer than it says. */
export async function readEntry(file: Blob, entry: Entry, bytes = Infinity): Promise<Blob> {
  const local = await view(file, entry.offset, 30);
  if (local.byteLength < 30 || local.getUint32(0, true) !== LOCAL) throw new BadZip();
  const start = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  const packed = file.slice(start, start + entry.packedSize);
  if (packed.size < entry.packedSize) throw new BadZip();
  if (!entry.deflated) return packed.slice(0, Math.min(bytes, entry.size));
  return inflated(packed, entry.size, bytes);
}

async function inflated(packed: Blob, size: number, limit: number): Promise<Blob> {
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    while (length < limit) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.byteLength;
      if (length > size) throw new BadZip();
    }
  } catch {
    throw new BadZip();
  } finally {
    void reader.cancel().catch(() => {});
  }
  if (limit > size && length !== size) throw new BadZip();
  return new Blob(parts).slice(0, Math.min(limit, size));
}

async function findDirectory(file: Blob): Promise<{ count: number; size: number; offset: number }> {
  const start = Math.max(0, file.size - END_SIZE - LONGEST_COMMENT);
  const tail = await view(file, start, file.size - start);
  for (let at = tail.byteLength - END_SIZE; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END) continue;
    const short = { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) };
    if (short.count !== 0xffff && short.size !== 0xffffffff && short.offset !== 0xffffffff) return short;
    return findDirectory64(file, await view(file, start + at - 20, 20));
  }
  throw new BadZip();
}

async function findDirectory64(file: Blob, locator: DataView): Promise<{ count: number; size: number; offset: number }> {
  if (locator.byteLength < 20 || locator.getUint32(0, true) !== LOCATOR_64) throw new BadZip();
  const end = await view(file, Number(locator.getBigUint64(8, true)), 56);
  if (end.byteLength < 56 || end.getUint32(0, true) !== END_64) throw new BadZip();
  const [count, size, offset] = [32, 40, 48].map((each) => Number(end.getBigUint64(each, true))) as [number, number, number];
  return { count, size, offset };
}

/** Sizes and place of an entry, from the ZIP64 extra field where the short ones are full. */
function sizes(directory: DataView, at: number, extraAt: number, extraLength: number): Pick<Entry, "size" | "packedSize" | "offset"> {
  const found = { packedSize: directory.getUint32(at + 20, true), size: directory.getUint32(at + 24, true), offset: directory.getUint32(at + 42, true) };
  for (let place = extraAt; place + 4 <= extraAt + extraLength; place += 4 + directory.getUint16(place + 2, true)) {
    if (directory.getUint16(place, true) !== 1) continue;
    let next = place + 4;
    for (const field of ["size", "packedSize", "offset"] as const) {
      if (found[field] !== 0xffffffff) continue;
      found[field] = Number(directory.getBigUint64(next, true));
      next += 8;
    }
  }
  return found;
}

function nameOf(directory: DataView, start: number, length: number, flags: number): string {
  const bytes = new Uint8Array(directory.buffer, directory.byteOffset + start, length);
  const name = new TextDecoder((flags & 0x800) !== 0 ? "utf-8" : "latin1").decode(bytes);
  return name.replaceAll("\\", "/");
}

async function view(file: Blob, start: number, length: number): Promise<DataView> {
  return new DataView(await file.slice(start, start + length).arrayBuffer());
}
