/**
 * One file to the server, with progress. XMLHttpRequest, because fetch tells nothing about what it
 * has sent. Never rejects: whatever happens is a Reply.
 */
import { API_ROOT } from "../api/client";
import type { Reply } from "./verdict";

export interface Sending {
  file: File;
  uploadId: string;
  orderId: string;
  token: string;
  onProgress: (sent: number) => void;
  signal: AbortSignal;
}

export type Send = (sending: Sending) => Promise<Reply>;

/** A connection on which nothing moves for this long is given up and tried anew. */
const STALLED_MS = 120_000;

export const sendFile: Send = ({ file, uploadId, orderId, token, onProgress, signal }) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let watchdog = 0;
    const moved = () => {
      window.clearTimeout(watchdog);
      watchdog = window.setTimeout(() => request.abort(), STALLED_MS);
    };
    const finish = (reply: Reply) => {
      window.clearTimeout(watchdog);
      signal.removeEventListener("abort", giveUp);
      resolve(reply);
    };
    const giveUp = () => request.abort();

    request.open("POST", `${API_ROOT}/dicom/upload`);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type", "application/dicom");
    request.setRequestHeader("Accept", "application/json, application/problem+json");
    request.setRequestHeader("X-Upload-Id", uploadId);
    request.setRequestHeader("X-Order-Id", orderId);
    request.setRequestHeader("X-Upload-Source", "manual");
    request.setRequestHeader("X-File-Name", percentEncoded(file.name));

    request.upload.onprogress = (event) => {
      moved();
      onProgress(event.loaded);
    };
    request.onload = () =>
      finish({
        kind: "answer",
        status: request.status,
        body: parsed(request.responseText),
        retryAfter: request.getResponseHeader("Retry-After"),
      });
    // The same event tells of a lost connection and of a file that cannot be read any more.
    request.onerror = () => {
      void isReadable(file).then((readable) => finish({ kind: readable ? "network" : "unreadable" }));
    };
    request.onabort = () => finish({ kind: signal.aborted ? "aborted" : "network" });

    signal.addEventListener("abort", giveUp);
    moved();
    request.send(file);
  });

/** Percent-encoded UTF-8; a half surrogate, which some file systems allow, becomes U+FFFD. */
export function percentEncoded(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\uFFFD"));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
