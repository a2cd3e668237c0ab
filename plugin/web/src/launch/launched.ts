/**
 * How the EHR opens this page: `/ehr/launch#token=…&order=…`, or with the parameters of IHE Invoke Image Display
 * (ITI RAD-106) as query: `requestType=STUDY&accessionNumber=…`, `requestType=PATIENT&patientID=…`.
 *
 * public/launch.js has taken both out of the address already.
 */
import { isRecord } from "../api/errors";

export interface Launch {
  /** A user token of the EHR's; null: whoever is signed in, or signs in, goes on. */
  token: string | null;
  target: Target;
}

export type Target =
  | { kind: "order"; id: string }
  /** Show the order's images, or the order while there are none. */
  | { kind: "images"; order: string }
  | { kind: "study"; uid: string; compare: string | null }
  /** By id or number; `issuer` is who gave the number, by name or universal ID, "" where it is not told. */
  | { kind: "patient"; id: string; issuer: string }
  | { kind: "upload"; order: string }
  | { kind: "start" }
  | { kind: "unknown" };

declare global {
  interface Window {
    ehrLaunch?: { search: string; hash: string };
  }
}

/** What this page was opened with; asked a second time there is nothing any more. */
export function takeLaunch(from: Window): Launch | null {
  const { ehrLaunch } = from;
  delete from.ehrLaunch;
  return ehrLaunch ? readLaunch(ehrLaunch.search, ehrLaunch.hash) : null;
}

export function readLaunch(search: string, hash: string): Launch {
  const behind = new URLSearchParams(hash.replace(/^#/, ""));
  // What may be in both is taken from behind the #, which no server has seen. A token counts only there.
  const both = new Map([...new URLSearchParams(search), ...behind].map(([name, value]) => [name.toLowerCase(), value.trim()]));
  return { token: behind.get("token"), target: targetOf(both) };
}

function targetOf(given: ReadonlyMap<string, string>): Target {
  const value = (name: string) => given.get(name.toLowerCase()) || null;
  const request = value("requestType")?.toUpperCase() ?? null;
  if (request !== null) return invoked(request, value);
  const [order, study, patient] = [value("order"), value("study"), value("patient")];
  if (order) return value("page") === "upload" ? { kind: "upload", order } : { kind: "order", id: order };
  if (study) return { kind: "study", uid: study, compare: value("compare") };
  if (patient) return { kind: "patient", id: patient, issuer: "" };
  return { kind: "start" };
}

/** RAD-106: several studies or accession numbers are separated by commas; the second stands beside the first. */
function invoked(request: string, value: (name: string) => string | null): Target {
  if (request === "STUDY") {
    const [first, second] = (value("studyUID") ?? "").split(",").map((each) => each.trim());
    if (first) return { kind: "study", uid: first, compare: second || null };
    const accession = (value("accessionNumber") ?? "").split(",")[0]?.trim();
    if (accession) return { kind: "images", order: accession };
  }
  // HL7's CX: the number, and in its fourth component who gave it: namespace & universal ID & its type.
  const [patient, , , authority = ""] = (value("patientID") ?? "").split("^");
  const [namespace, universal = ""] = authority.split("&");
  if (request === "PATIENT" && patient) return { kind: "patient", id: patient, issuer: namespace || universal };
  return { kind: "unknown" };
}

/** Until when a token says it is good, and for whom; the server alone decides whether it is. */
export function claimsOf(token: string): { expiresAt: string; subject: string } {
  try {
    const payload = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (each) => each.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!isRecord(claims)) throw new Error();
    const expiresAt = typeof claims.exp === "number" ? new Date(claims.exp * 1000).toISOString() : "";
    return { expiresAt, subject: typeof claims.sub === "string" ? claims.sub : "" };
  } catch {
    return { expiresAt: "", subject: "" };
  }
}
