/** Hashing in a thread of its own, one file at a time, so that the page stays smooth and memory flat. */
import type { Source } from "../read/source";
import { sha256Of } from "./hash";

export interface Asked {
  id: number;
  source: Source;
}

export interface Hashed {
  id: number;
  sha256: string | null;
}

const say = (hashed: Hashed) => self.postMessage(hashed);
let turn = Promise.resolve();

self.onmessage = ({ data: { id, source } }: MessageEvent<Asked>) => {
  turn = turn.then(async () => say({ id, sha256: await sha256Of(source) }));
};
