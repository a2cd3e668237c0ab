/** Asks the server which files it has, by the digests of their bytes. Rejects when that cannot be learnt. */
import type { Ask } from "../../api/client";
import type { Source } from "../read/source";
import { readKnown, type KnownFile } from "./known";

/** The SHA-256 of a file in hex, or null where it cannot be made. */
export type Hash = (source: Source) => Promise<string | null>;

/** What was learnt of a file: its digest, and what the server has of it. */
export interface LookedUp {
  sha256: string | null;
  known: KnownFile | null;
}

/** Looks these files up; the answers are in the same order. */
export type LookUp = (sources: readonly Source[], signal: AbortSignal) => Promise<LookedUp[]>;

/** A server that takes longer is no help: the files are sent. */
const PATIENCE_MS = 15_000;

export function createLookUp(ask: Ask, hash: Hash): LookUp {
  return async (sources, signal) => {
    const digests: (string | null)[] = [];
    for (const source of sources) {
      signal.throwIfAborted();
      digests.push(await hash(source));
    }
    const sha256 = [...new Set(digests)].filter((each) => each !== null);
    if (sha256.length === 0) return digests.map(() => ({ sha256: null, known: null }));
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const known = readKnown(await ask("dicom/known", { method: "POST", body: { sha256 }, signal: patience }));
    return digests.map((digest) => ({ sha256: digest, known: (digest !== null && known.get(digest)) || null }));
  };
}
