/**
 * What the server sends that is not JSON of ours: pictures, archives, exports, DICOMweb.
 *
 * The token travels in the Authorization header here too, so none of these can be a plain link or an `img` address.
 */
import { useCallback } from "react";
import { useApi } from "./context";
import { ApiError, errorFromAnswer } from "./errors";

/** Asks a path from the server's root; the answer once its status says that there is something to read. */
export type Fetch = (path: string, accept: string, signal?: AbortSignal) => Promise<Response>;

export function useFetch(): Fetch {
  const { session } = useApi();
  return useCallback(
    async (path, accept, signal) => {
      const token = session.token();
      const headers: Record<string, string> = { Accept: accept };
      if (token) headers.Authorization = `Bearer ${token}`;
      let answer: Response;
      try {
        answer = await fetch(path, { headers, cache: "no-store", signal: signal ?? null });
      } catch (cause) {
        if (signal?.aborted) throw cause;
        throw new ApiError(0, "network");
      }
      if (answer.ok) return answer;
      if (answer.status === 401 && token) session.end(token);
      throw errorFromAnswer(answer.status, await answer.json().catch(() => undefined));
    },
    [session],
  );
}

/**
 * Reads an answer to its end, telling how many bytes there are. They go into the browser's own store for large data, not
 * into the page's memory. Whether all of it came, the caller has to know.
 *
 * Raises ApiError `cut_off` where the connection breaks.
 */
export async function readCounted(answer: Response, onBytes: (bytes: number) => void): Promise<Blob> {
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
  try {
    return await new Response(counted).blob();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "cut_off");
  }
}

/** Text as a header's value: its UTF-8 bytes, one character each, because a header holds nothing else. */
export function headerText(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** Hand something to the browser's downloads under a name. */
export function saveAs(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads it after the click returned.
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
