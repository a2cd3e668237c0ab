/** The SHA-256 of a file's bytes. */
import { contentOf, type Source } from "../read/source";
import { Sha256 } from "./sha256";

/** Larger files are read piece by piece, so that memory stays flat. */
const AT_ONCE = 32_000_000;

/** In hex; null for a file that cannot be read (any more). */
export async function sha256Of(source: Source, atOnce = AT_ONCE): Promise<string | null> {
  try {
    const content = await contentOf(source);
    const { subtle } = crypto;
    if (content.size > atOnce || !subtle) return await inPieces(content);
    const digest = new Uint8Array(await subtle.digest("SHA-256", await content.arrayBuffer()));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

async function inPieces(content: Blob): Promise<string> {
  const digest = new Sha256();
  const reader = content.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) digest.update(piece.value);
  return digest.hex();
}
