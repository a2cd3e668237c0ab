/** What is wrong with a new password, before it is sent and after the server has refused it. */
import { ApiError } from "../api/errors";

/** As the server counts it. */
export const SHORTEST_PASSWORD = 10;

export type FieldName = "current" | "fresh" | "again";

export interface Fault {
  kind: "missing" | "short" | "differs" | "unchanged" | "wrong" | "other";
  /** The field to go to; null when none of them is at fault. */
  field: FieldName | null;
}

export function faultOfInput({ current, fresh, again }: Record<FieldName, string>): Fault | null {
  if (!current || !fresh || !again) return { kind: "missing", field: !current ? "current" : !fresh ? "fresh" : "again" };
  // Characters, not UTF-16 units.
  if ([...fresh].length < SHORTEST_PASSWORD) return { kind: "short", field: "fresh" };
  if (fresh === current) return { kind: "unchanged", field: "fresh" };
  if (fresh !== again) return { kind: "differs", field: "again" };
  return null;
}

export function faultOfAnswer(error: Error): Fault {
  const code = error instanceof ApiError ? error.code : "";
  if (code === "wrong_credentials") return { kind: "wrong", field: "current" };
  if (code === "password_too_short") return { kind: "short", field: "fresh" };
  if (code === "password_unchanged") return { kind: "unchanged", field: "fresh" };
  return { kind: "other", field: null };
}
