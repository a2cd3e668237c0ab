/**
 * What the server's answer to one file means. Pure.
 *
 * Takes the reply of the transport and how often the file was tried; gives a verdict: done, failed,
 * busy, lost, or sign in first. Only a reason that may pass is retried.
 */
import { errorFromAnswer, isRecord } from "../api/errors";
import type { Named } from "../components/whom";
import type { Evidence, InstanceOutcome, StudyOutcome, UploadAnswer } from "../api/types";

export interface Problem {
  /** A stable word, ours or the server's. */
  code: string;
  /** The server's own explanation, "" if it gave none. */
  message: string;
  /** Whether sending the same bytes again has a chance. */
  retryable: boolean;
}

export type Reply =
  | { kind: "answer"; status: number; body: unknown; retryAfter: string | null; /** What was sent, in bytes. */ sent: number }
  | { kind: "network" }
  | { kind: "unreadable" }
  | { kind: "aborted" };

export type Verdict =
  | { kind: "done"; state: "stored" | "duplicate" | "failed"; answer: UploadAnswer; problem: Problem | null }
  | { kind: "failed"; problem: Problem }
  /** The server is busy: everybody waits. */
  | { kind: "busy"; afterMs: number }
  /** No answer: what becomes of it depends on how the others fare. */
  | { kind: "lost"; problem: Problem }
  | { kind: "sign_in" };

/** A busy server is asked again this often. */
export const BUSY_ATTEMPTS = 10;

/** So many bytes the server reads of anybody, and says in words what is wrong. */
const ALWAYS_READ = 1_000_000;

const DEFAULT_WAIT_S = 5;
const LONGEST_WAIT_S = 120;

/** The same bytes will be refused for the same reason. */
const PERMANENT_CODES = new Set(["not_dicom", "too_large", "unsupported_media_type", "file_unreadable"]);
const PERMANENT_STATUS = new Set([400, 409, 413, 415, 422]);
/** Refused like a file that can never be taken, and yet another attempt may succeed. */
const PASSING_CODES = new Set(["digest_mismatch"]);

export function judge(reply: Reply, attempts: number, now: number): Verdict {
  switch (reply.kind) {
    case "aborted":
      return { kind: "failed", problem: problem("cancelled") };
    case "unreadable":
      return { kind: "failed", problem: problem("file_unreadable") };
    case "network":
      return { kind: "lost", problem: problem("network") };
    case "answer":
      return judgeAnswer(reply, attempts, now);
  }
}

/** `Retry-After` in milliseconds: seconds or an HTTP date; a sane default when absent or odd. */
export function waitFor(retryAfter: string | null, now: number): number {
  const raw = retryAfter?.trim() ?? "";
  const seconds = /^\d+$/.test(raw) ? Number(raw) : (Date.parse(raw) - now) / 1000;
  const sane = Number.isFinite(seconds) ? seconds : DEFAULT_WAIT_S;
  return 1000 * Math.min(LONGEST_WAIT_S, Math.max(1, sane));
}

function judgeAnswer(reply: Extract<Reply, { kind: "answer" }>, attempts: number, now: number): Verdict {
  const { status, body, sent } = reply;
  if (status === 401) return { kind: "sign_in" };
  if (status === 503 || status === 429) {
    if (attempts >= BUSY_ATTEMPTS) return { kind: "failed", problem: problem("server_busy", detailOf(status, body)) };
    return { kind: "busy", afterMs: waitFor(reply.retryAfter, now) };
  }
  if (status === 502 || status === 504) {
    return { kind: "lost", problem: problem("network") };
  }
  const answer = readUploadAnswer(body);
  if (answer) return outcomeOf(answer, status);
  if (status >= 200 && status < 300) return { kind: "failed", problem: problem("unexpected_answer") };
  const error = errorFromAnswer(status, body);
  // Before it reads a body of any size the server refuses what is too large for it, or for just now, without a word.
  if (status === 403 && error.code === "forbidden" && sent > ALWAYS_READ) return { kind: "failed", problem: problem("no_room") };
  return { kind: "failed", problem: problem(error.code, error.detail, status) };
}

/** One request carries one file, yet an answer may name several instances: the worst one decides. */
function outcomeOf(answer: UploadAnswer, status: number): Verdict {
  const failed = answer.instances.find((each) => each.status === "failed");
  if (failed) {
    const code = failed.error?.code ?? "refused";
    return { kind: "done", state: "failed", answer, problem: problem(code, failed.error?.message ?? "", status) };
  }
  const stored = answer.instances.some((each) => each.status === "stored");
  return { kind: "done", state: stored ? "stored" : "duplicate", answer, problem: null };
}

function problem(code: string, message = "", status = 0): Problem {
  const permanent = PERMANENT_CODES.has(code) || (PERMANENT_STATUS.has(status) && !PASSING_CODES.has(code));
  return { code, message, retryable: !permanent };
}

function detailOf(status: number, body: unknown): string {
  return errorFromAnswer(status, body).detail;
}

/** The body as an upload answer, or null when it is something else. Missing parts become empty. */
export function readUploadAnswer(body: unknown): UploadAnswer | null {
  if (!isRecord(body) || !Array.isArray(body.instances) || body.instances.length === 0) return null;
  const studies = Array.isArray(body.studies) ? body.studies.filter(isRecord).map(readStudy) : [];
  return {
    status: typeof body.status === "string" ? body.status : "",
    instances: body.instances.filter(isRecord).map(readInstance),
    studies: studies.filter((study) => study.study_instance_uid),
    ...(isRecord(body.document) && { document: body.document as unknown as Named }),
  };
}

function readInstance(raw: Record<string, unknown>): InstanceOutcome {
  const error = isRecord(raw.error) ? { code: string(raw.error.code), message: string(raw.error.message) } : null;
  return {
    sop_instance_uid: string(raw.sop_instance_uid),
    study_instance_uid: string(raw.study_instance_uid),
    status: raw.status === "stored" || raw.status === "duplicate" ? raw.status : "failed",
    error,
  };
}

function readStudy(raw: Record<string, unknown>): StudyOutcome {
  const coerced = Array.isArray(raw.coerced) ? raw.coerced.filter(isRecord) : [];
  return {
    study_instance_uid: string(raw.study_instance_uid),
    match: isRecord(raw.match) ? readMatch(raw.match) : null,
    coerced: coerced.map(({ tag, before, after }) => ({ tag: string(tag), before, after })),
  };
}

function readMatch(raw: Record<string, unknown>): StudyOutcome["match"] {
  const evidence = Array.isArray(raw.evidence) ? raw.evidence.filter(isRecord) : [];
  return {
    kind: string(raw.kind) || "none",
    score: typeof raw.score === "number" ? raw.score : null,
    evidence: evidence.map((each) => ({
      field: string(each.field),
      agrees: typeof each.agrees === "boolean" ? each.agrees : null,
      grade: readGrade(each),
      detail: string(each.detail),
      reasons: Array.isArray(each.reasons) ? each.reasons.map(string) : [],
      values: isRecord(each.values) ? Object.fromEntries(Object.entries(each.values).map(([name, value]) => [name, string(value)])) : {},
    })),
    patient_id: id(raw.patient_id),
    order_id: id(raw.order_id),
    ...(Array.isArray(raw.order_ids) && { order_ids: raw.order_ids.map(string) }),
  };
}

const GRADES: readonly Evidence["grade"][] = ["same", "form", "slip", "other", "silent"];

/** A server from before grades says only whether it agrees. */
function readGrade({ agrees, grade }: Record<string, unknown>): Evidence["grade"] {
  return GRADES.find((one) => one === grade) ?? (agrees === true ? "same" : agrees === false ? "other" : "silent");
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function id(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}
