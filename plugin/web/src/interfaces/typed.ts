/** What people type of a modality, and what cannot be right about it; the server decides for itself. */
import type { May } from "../api/modalities";

export const MAY: readonly May[] = ["store", "worklist", "mpps", "commit", "send_to"];

export interface Typed {
  aeTitle: string;
  host: string;
  port: string;
  description: string;
}

/** The fields that cannot be right. */
export function problemsOf({ aeTitle, host, port }: Typed): Partial<Record<keyof Typed, true>> {
  const problems: Partial<Record<keyof Typed, true>> = {};
  if (!/^[!-~]{1,16}$/.test(aeTitle.trim()) || /[\\/]/.test(aeTitle)) problems.aeTitle = true;
  if (!/^[A-Za-z0-9._-]+$/.test(host.trim())) problems.host = true;
  if (!/^[0-9]{1,5}$/.test(port.trim()) || Number(port) < 1 || Number(port) > 65535) problems.port = true;
  return problems;
}
