/** Who came from the EHR for one page sees that page and what belongs to it; the server decides by permission, as for all. */
import { matchPath } from "react-router-dom";
import { useSession } from "./useSession";

/** The page for which the EHR opened this tab; null: it did not, or for all of them. */
export function useVisit(): string | null {
  const state = useSession();
  const held = state.kind === "locked" ? state.held : state.kind === "active" ? state : null;
  return held?.launched ? (held.visit ?? null) : null;
}

const PAGES = ["/", "/launch", "/orders/:id", "/patients/:id", "/studies/:uid/*", "/view/:uid", "/reports/:id", "/upload", "/uploads/:id"];

/** Pages about one patient; no lists, and nothing of the installation. */
export function isOfVisit(pathname: string): boolean {
  return PAGES.some((page) => matchPath(page, pathname));
}
