/** A ZIP of unknown length on its way: how much has come, and whether all of it did. */
import { ApiError } from "./errors";

const END_OF_ARCHIVE = 0x06054b50;
const END_LENGTH = 22;

/**
 * Reads an answer to its end, telling how many bytes there are.
 *
 * The bytes go into the browser's own store for large data, not into the page's memory. The server cannot say the
 * length before, so a connection that breaks looks like an end: only a ZIP that has its last record is whole.
 *
 * Raises ApiError `cut_off` for one that is not.
 */
export async function readZip(answer: Response, onBytes: (bytes: number) => void): Promise<Blob> {
  if (!answer.body) throw new ApiError(answer.status, "unexpected_answer");
  let bytes = 0;
  const counted = answer.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        onBytes(bytes);
        controller.enqueue(chunk);
      },
    }),
  );
  let archive: Blob;
  try {
    archive = await new Response(counted).blob();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "cut_off");
  }
  if (!(await isWhole(archive))) throw new ApiError(0, "cut_off");
  return archive;
}

/** Whether an archive ends as one without a comment does (APPNOTE 4.3.16). */
export async function isWhole(archive: Blob): Promise<boolean> {
  if (archive.size < END_LENGTH) return false;
  const end = new DataView(await archive.slice(-END_LENGTH).arrayBuffer());
  return end.getUint32(0, true) === END_OF_ARCHIVE;
}
