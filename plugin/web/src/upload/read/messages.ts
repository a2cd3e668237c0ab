import type { Progress } from "./reader";
import type { Source } from "./source";

export type Request =
  | { kind: "read"; run: number; sources: Source[] }
  | { kind: "draw"; series: string; source: Source }
  | { kind: "stop" };

export type Answer =
  | { kind: "progress"; run: number; progress: Progress }
  | { kind: "done"; run: number }
  | { kind: "picture"; series: string; picture: Blob };

/** Where requests to the reader go. */
export interface ReaderPort {
  post(request: Request): void;
}
