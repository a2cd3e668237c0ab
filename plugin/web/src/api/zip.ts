/** A ZIP of unknown length on its way: how much has come, and whether all of it did. */
import { ApiError } from "./errors";
import { readCounted } from "./files";

const END_OF_ARCHIVE = 0x06054b50;
const END_LENGTH = 22;

/**
 * Reads an answer to its end, telling how many bytes there are (`readCounted`).
 *
 * The server cannot say the length before, so a connection that breaks looks like an end: only a ZIP that has its last
 * record is whole.
 *
 * Raises ApiError `cut_off` for one that is not.
 */
export async function readZip(answer: Response, onBytes: (bytes: number) => void): Promise<Blob> {
  const archive = await readCounted(answer, onBytes);
  if (!(await isWhole(archive))) throw new ApiError(0, "cut_off");
  return archive;
}

/** Whether an archive ends as one without a comment does (APPNOTE 4.3.16). */
export async function isWhole(archive: Blob): Promise<boolean> {
  if (archive.size < END_LENGTH) return false;
  const end = new DataView(await archive.slice(-END_LENGTH).arrayBuffer());
  return end.getUint32(0, true) === END_OF_ARCHIVE;
}
