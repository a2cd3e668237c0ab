/** Tells the audit trail that a page is printed, also by the browser's own menu. Labels have told it themselves. */
import { useEffect } from "react";
import { useApi } from "../api/context";
import type { PrintoutBody } from "../api/schema";

type Printout = Partial<PrintoutBody> & Pick<PrintoutBody, "page" | "count">;

const PAGES: readonly [RegExp, PrintoutBody["page"], ("patient_id" | "order_id" | "study_instance_uid")?][] = [
  [/^\/orders\/([0-9a-f-]{36})$/, "order", "order_id"],
  [/^\/orders$/, "orders"],
  [/^\/patients\/([0-9a-f-]{36})$/, "patient", "patient_id"],
  [/^\/patients$/, "patients"],
  [/^\/studies\/([0-9.]{1,64})$/, "study", "study_instance_uid"],
  [/^\/studies$/, "studies"],
  [/^\/reports\/.+$/, "report"],
  [/^\/(reading|reports|reconciliation|uploads|deletions|audit)$/, "other"],
];

/** Pure. */
export function printoutOf(pathname: string, count: number): Printout {
  for (const [pattern, page, name] of PAGES) {
    const found = pattern.exec(pathname);
    if (found) return { page: page === "other" ? (found[1] as PrintoutBody["page"]) : page, count, ...(name ? { [name]: found[1] } : {}) };
  }
  return { page: "other", count };
}

export function usePrintNote(pathname: string): void {
  const { ask } = useApi();
  useEffect(() => {
    const note = () => {
      if (document.body.dataset.printing) return;
      const count = document.querySelectorAll("#content tbody tr, #content .card, #content [role=row]").length;
      // What cannot be told must not keep anybody from printing.
      ask("printouts", { method: "POST", body: printoutOf(pathname, count), keepalive: true }).catch(() => {});
    };
    window.addEventListener("beforeprint", note);
    return () => window.removeEventListener("beforeprint", note);
  }, [ask, pathname]);
}
