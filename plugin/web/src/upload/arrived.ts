/**
 * The files of a drop, a paste or a choice, with what is in the folders among them.
 *
 * The first time anything but the name of a file is wanted (its size, or the file itself by a worker), the browser asks
 * another process, and the page stands still meanwhile: a thousand at once are felt. So nothing is asked for here, and
 * whoever does ask takes `PORTION` of them at a time.
 */

export const PORTION = 32;

export interface Chosen {
  file: File;
  /** The path inside the folder it came from, as far as the browser tells it. */
  name: string;
}

/** What file managers leave in every folder. */
const LITTER = new Set([".DS_Store", "Thumbs.db"]);

/** Of an input's own button. */
export function ofInput(input: HTMLInputElement): Chosen[] {
  return [...(input.files ?? [])].map((file) => chosen(file, file.webkitRelativePath)).filter(isWanted);
}

/** Of a drop or a paste; to be called while its event is handled. Rejects when a folder or a file in it cannot be read. */
export async function ofTransfer(transfer: DataTransfer): Promise<Chosen[]> {
  const found: Chosen[] = [];
  const folders: FileSystemDirectoryEntry[] = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry();
    if (entry && isFolder(entry)) {
      folders.push(entry);
      continue;
    }
    const file = item.getAsFile();
    if (file) found.push(chosen(file, ""));
  }
  for (const folder of folders) await walk(folder, found);
  return found.filter(isWanted);
}

async function walk(folder: FileSystemDirectoryEntry, found: Chosen[]): Promise<void> {
  const reader = folder.createReader();
  const lot = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  for (let entries = await lot(); entries.length > 0; entries = await lot()) {
    const files = entries.filter(isFile);
    for (let at = 0; at < files.length; at += PORTION) {
      found.push(...(await Promise.all(files.slice(at, at + PORTION).map(opened))));
    }
    for (const inside of entries.filter(isFolder)) await walk(inside, found);
  }
}

async function opened(entry: FileSystemFileEntry): Promise<Chosen> {
  const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
  return chosen(file, entry.fullPath);
}

function chosen(file: File, path: string): Chosen {
  return { file, name: (path || file.name).replace(/^\//, "") };
}

function isWanted({ file }: Chosen): boolean {
  return !LITTER.has(file.name);
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
