import type { Answer, ReaderPort } from "./messages";

/** The reader in its own thread, started when the first files are chosen. */
export function openReader(tell: (answer: Answer) => void): ReaderPort {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Answer>) => tell(data);
  return { post: (request) => worker.postMessage(request) };
}
