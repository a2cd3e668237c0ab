/** Whom a page is about, by its address. Pure. */
import { matchPath } from "react-router-dom";
import type { Named } from "../api/privacy";

const PAGES: readonly [path: string, name: (value: string) => Named][] = [
  ["/patients/:it", (it) => ({ patient_id: it })],
  ["/orders/:it", (it) => ({ order_id: it })],
  ["/studies/:it/*", (it) => ({ study_instance_uid: it })],
  ["/view/:it", (it) => ({ study_instance_uid: it })],
];

/** Null where the address names nobody. */
export function namedBy(pathname: string, search: string): Named | null {
  for (const [path, name] of PAGES) {
    const it = matchPath(path, pathname)?.params.it;
    if (it) return name(it);
  }
  const query = new URLSearchParams(search);
  const [order, patient] = [query.get("order"), query.get("patient")];
  if (order) return { order_id: order };
  return patient ? { patient_id: patient } : null;
}
