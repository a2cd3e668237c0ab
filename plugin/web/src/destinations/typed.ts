/** What people type of a destination, and what cannot be right about it; the server decides for itself. */
import type { Destination, DestinationBody, EventType } from "../api/destinations";

export type Kind = DestinationBody["kind"];

export const KINDS: readonly Kind[] = ["webhook", "hl7", "fhir"];

const ORDERS: readonly EventType[] = ["order.created", "order.changed", "order.status", "order.cancelled"];
const STUDIES: readonly EventType[] = ["study.linked", "study.unlinked", "study.changed", "study.available", "study.deleted"];
const REPORTS: readonly EventType[] = ["report.preliminary", "report.final", "report.amended", "report.withdrawn"];
const PATIENTS: readonly EventType[] = ["patient.created", "patient.changed", "patient.merged"];

/** What a destination of each kind can be told of. */
export const EVENTS: Record<Kind, readonly EventType[]> = {
  webhook: [...ORDERS, ...STUDIES, ...REPORTS, "report.critical", "notice.created", ...PATIENTS],
  hl7: [...ORDERS, ...REPORTS],
  fhir: ["order.status", "order.cancelled", "study.linked", "study.available", ...REPORTS],
};

export interface Typed {
  name: string;
  url: string;
  host: string;
  port: string;
  networks: string;
  token: string;
  description: string;
  authorities: string;
  sender: string;
}

export const NEW: Typed = { name: "", url: "", host: "", port: "2575", networks: "", token: "", description: "", authorities: "", sender: "" };

export const typedOf = (one: Destination): Typed => ({
  name: one.name,
  url: one.url ?? "",
  host: one.host ?? "",
  port: String(one.port ?? ""),
  networks: one.allow_networks.join(", "),
  token: "",
  description: one.description ?? "",
  authorities: one.ca_certificates ?? "",
  sender: one.reports_from ?? "",
});

/** The fields that cannot be right. */
export function problemsOf(kind: Kind, typed: Typed): Partial<Record<keyof Typed, true>> {
  const problems: Partial<Record<keyof Typed, true>> = {};
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(typed.name.trim())) problems.name = true;
  if (kind === "hl7") {
    if (!/^[A-Za-z0-9._:-]+$/.test(typed.host.trim())) problems.host = true;
    const port = typed.port.trim();
    if (!/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) problems.port = true;
  } else if (!/^https?:\/\/[^\s/]/.test(typed.url.trim())) problems.url = true;
  return problems;
}

/** Networks as people separate them. */
export const networksOf = (typed: string): string[] => typed.split(/[\s,;]+/).filter(Boolean);
