/** The reader in a thread of its own, so that the page stays smooth while thousands of files are looked at. */
import { readAll } from "./reader";
import { thumbnail } from "./thumbnail";
import type { Answer, Request } from "./messages";

const say = (answer: Answer) => self.postMessage(answer);
let current = 0;

self.onmessage = ({ data }: MessageEvent<Request>) => {
  if (data.kind === "stop") current = 0;
  else if (data.kind === "read") void read(data);
  else void draw(data);
};

async function read({ run, sources }: Extract<Request, { kind: "read" }>): Promise<void> {
  current = run;
  const stopped = () => current !== run;
  await readAll(sources, (progress) => !stopped() && say({ kind: "progress", run, progress }), stopped);
  if (!stopped()) say({ kind: "done", run });
}

async function draw({ series, source }: Extract<Request, { kind: "draw" }>): Promise<void> {
  try {
    const picture = await thumbnail(source);
    if (picture) say({ kind: "picture", series, picture });
  } catch {
    // No picture is no loss.
  }
}
