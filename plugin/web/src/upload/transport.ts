/**
 * One file to the server, with progress. XMLHttpRequest, because fetch tells nothing about what it
 * has sent. Never rejects: whatever happens is a Reply.
 */
import type { Owner } from "../api/chart";
import { API_ROOT } from "../api/client";
import { isRecord } from "../api/errors";
import type { DocumentOptions, SendOptions } from "./known/known";
import type { Reply } from "./verdict";

export interface Sending {
  content: Blob;
  name: string;
  uploadId: string;
  /** How many files the upload has in all, where that is known by now. */
  total: number | null;
  /** Of the file, in hex, where it is known: the server refuses what arrives as anything else. */
  sha256: string | null;
  options: SendOptions;
  token: string;
  onProgress: (sent: number) => void;
  signal: AbortSignal;
}

export type Send = (sending: Sending) => Promise<Reply>;

/** A connection on which nothing moves for this long is given up and tried anew. */
const STALLED_MS = 120_000;

export const sendFile: Send = ({ content, name, uploadId, total, sha256, options, token, onProgress, signal }) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let watchdog = 0;
    const moved = () => {
      window.clearTimeout(watchdog);
      watchdog = window.setTimeout(() => request.abort(), STALLED_MS);
    };
    const { document } = options;
    const { type, body } = document ? { type: document.type, body: content } : bodyOf(content, options.tags ?? {}, uploadId);
    const finish = (reply: Reply) => {
      window.clearTimeout(watchdog);
      signal.removeEventListener("abort", giveUp);
      resolve(reply);
    };
    const giveUp = () => request.abort();

    request.open("POST", `${API_ROOT}/${document ? documentPath(document.owner) : "dicom/upload"}`);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Accept", "application/json, application/problem+json");
    const said: Record<string, string> = document
      ? documentHeaders(document, name)
      : {
          "X-Upload-Id": uploadId,
          "X-Upload-Total": total === null ? "" : String(total),
          "X-Order-Id": options.orderId ?? "",
          "X-Patient-Id": options.patientId ?? "",
          "X-Upload-Source": "manual",
          "X-File-Name": percentEncoded(name),
        };
    for (const [header, value] of Object.entries(said)) if (value) request.setRequestHeader(header, value);

    request.upload.onprogress = (event) => {
      moved();
      onProgress(event.loaded);
    };
    request.onload = () =>
      finish({
        kind: "answer",
        status: request.status,
        body: document ? asUpload(request.status, parsed(request.responseText)) : parsed(request.responseText),
        retryAfter: request.getResponseHeader("Retry-After"),
        sent: body.size,
      });
    // The same event tells of a lost connection and of a file that cannot be read any more.
    request.onerror = () => {
      void isReadable(content).then((readable) => finish({ kind: readable ? "network" : "unreadable" }));
    };
    request.onabort = () => finish({ kind: signal.aborted ? "aborted" : "network" });

    signal.addEventListener("abort", giveUp);
    moved();
    request.setRequestHeader("Content-Type", type);
    if (sha256 && body === content && !document) request.setRequestHeader("Content-Digest", contentDigest(sha256));
    request.send(body);
  });

/** The same bytes of the same kind again make no second document, so that a lost answer is simply asked for again. */
function documentPath(owner: Owner): string {
  return "order" in owner ? `orders/${encodeURIComponent(owner.order)}/documents` : `patients/${encodeURIComponent(owner.patient)}/documents`;
}

export function documentHeaders({ owner, kind, title, dated }: DocumentOptions, name: string): Record<string, string> {
  // As for images: the EHR may give the order to somebody else before everything is sent.
  const seen = "order" in owner ? owner.patient : "";
  return { "X-Patient-Id": seen, "X-Document-Kind": kind, "X-Document-Title": percentEncoded(title), "X-Document-Date": dated, "X-File-Name": percentEncoded(name.split("/").pop() ?? name) };
}

/** A document that was made, as an upload of one file would be answered; what else is said stays as it is. */
export function asUpload(status: number, body: unknown): unknown {
  if (status >= 300 || !isRecord(body) || typeof body.sop_instance_uid !== "string") return body;
  const { sop_instance_uid, study_instance_uid } = body;
  return { status: "success", instances: [{ sop_instance_uid, study_instance_uid, status: status === 201 ? "stored" : "duplicate" }], studies: [], document: body };
}

/** The file as it is; with corrections, both as parts of one body (RFC 2387). No byte is copied for it. */
export function bodyOf(content: Blob, tags: Readonly<Record<string, string>>, uploadId: string): { type: string; body: Blob } {
  if (Object.keys(tags).length === 0) return { type: "application/dicom", body: content };
  const boundary = `part-${uploadId}`;
  const body = new Blob([
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n${JSON.stringify({ tags })}\r\n`,
    `--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`,
    content,
    `\r\n--${boundary}--\r\n`,
  ]);
  return { type: `multipart/related; type="application/json"; boundary=${boundary}`, body };
}

/** A SHA-256 as RFC 9530 writes it. */
export function contentDigest(sha256: string): string {
  const bytes = sha256.match(/../g) ?? [];
  return `sha-256=:${btoa(String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16))))}:`;
}

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

async function isReadable(file: Blob): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
