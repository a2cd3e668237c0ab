/** The SHA-256 of a file's bytes. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { contentOf, type Source } from "../read/source";

/**
 * The browser's own is quickest, yet it wants a whole file at once and exists on https and localhost only. Larger
 * files are read piece by piece, so that memory stays flat.
 */
const AT_ONCE = 32_000_000;

/** In hex; null for a file that cannot be read (any more). */
export async function sha256Of(source: Source, atOnce = AT_ONCE): Promise<string | null> {
  try {
    const content = await contentOf(source);
    const { subtle } = crypto;
    if (content.size > atOnce || !subtle) return await inPieces(content);
    return bytesToHex(new Uint8Array(await subtle.digest("SHA-256", await content.arrayBuffer())));
  } catch {
    return null;
  }
}

async function inPieces(content: Blob): Promise<string> {
  const digest = sha256.create();
  const reader = content.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) digest.update(piece.value);
  return bytesToHex(digest.digest());
}
