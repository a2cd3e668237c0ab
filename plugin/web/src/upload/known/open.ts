/** The hashing thread, started with the first file. */
import type { Hash } from "./lookUp";
import type { Asked, Hashed } from "./worker";

export function openHasher(): Hash {
  let worker: Worker | null = null;
  let nextId = 1;
  const waiting = new Map<number, (sha256: string | null) => void>();

  const started = (): Worker => {
    const fresh = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    fresh.onmessage = ({ data: { id, sha256 } }: MessageEvent<Hashed>) => {
      waiting.get(id)?.(sha256);
      waiting.delete(id);
    };
    // A thread that cannot be had hashes nothing; the files are sent.
    fresh.onerror = () => {
      for (const tell of waiting.values()) tell(null);
      waiting.clear();
      worker = null;
    };
    return fresh;
  };

  return (source) =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      worker ??= started();
      const asked: Asked = { id, source };
      worker.postMessage(asked);
    });
}
