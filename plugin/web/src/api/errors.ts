/** What can go wrong when the page asks the server for something. */

export interface FieldError {
  field: string;
  message: string;
}

/**
 * A refusal (RFC 9457 problem details) or a failure to get any answer.
 *
 * `status` 0 with code `network` means that no answer came; code `unexpected_answer` means that
 * one came which this page cannot read.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fields: readonly FieldError[];
  /** After how many seconds the server says it may work; null when it says none. */
  readonly retryAfter: number | null;
  /** Under which id the server's log has the request; empty when it says none. */
  readonly requestId: string;

  constructor(
    status: number,
    code: string,
    detail = "",
    fields: readonly FieldError[] = [],
    retryAfter: number | null = null,
    requestId = "",
  ) {
    super(detail || code);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.fields = fields;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }

  /** Whether asking again, unchanged, has a chance. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The error a refusing answer stands for, whatever its body holds; `retryAfter` is the header of that name, if any. */
export function errorFromAnswer(status: number, body: unknown, retryAfter: string | null = null): ApiError {
  const problem = isRecord(body) ? body : {};
  const fields = Array.isArray(problem.errors) ? problem.errors.filter(isRecord) : [];
  return new ApiError(
    status,
    text(problem.code) || codeOfStatus(status),
    text(problem.detail) || text(problem.title),
    fields.map((each) => ({ field: text(each.field), message: text(each.message) })),
    /^\d{1,6}$/.test(retryAfter ?? "") ? Number(retryAfter) : null,
    text(problem.request_id),
  );
}

function codeOfStatus(status: number): string {
  const known: Record<number, string> = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    415: "unsupported_media_type",
    429: "server_busy",
    503: "server_busy",
  };
  return known[status] ?? `http_${status}`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
