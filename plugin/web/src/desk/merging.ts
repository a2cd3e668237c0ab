/** Which of two records of one person stays, unless somebody says otherwise. Pure. */
import type { Patient } from "../api/types";

type Told = Pick<Patient, "is_unidentified" | "registered_here" | "created_at">;

/** The one that says who it is; else the one that the EHR knows; else the older one. */
export function survivorOf<One extends Told>(one: One, other: One): One {
  if (one.is_unidentified !== other.is_unidentified) return one.is_unidentified ? other : one;
  if (one.registered_here !== other.registered_here) return one.registered_here ? other : one;
  return one.created_at <= other.created_at ? one : other;
}
