/** Addresses of the viewer. Pure. */
import type { ViewerLink } from "../api/types";

export interface Opened {
  /** What the frame or tab opens. */
  address: string;
  /** Whether the viewer is this server's own, so that it can be shown in a frame. */
  own: boolean;
}

/**
 * Where a link of the server's leads, or null when it is no web address: nothing else is ever opened.
 *
 * For our own viewer the token moves behind the `#`, which no server gets to see; a viewer elsewhere gets the link as
 * it is.
 */
export function openedBy(link: ViewerLink, origin: string): Opened | null {
  let url: URL;
  try {
    url = new URL(link.url, origin);
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  const own = url.origin === origin && url.pathname.startsWith("/ohif/");
  if (own) {
    const token = url.searchParams.get("token") ?? "";
    url.searchParams.delete("token");
    url.hash = token ? `token=${token}` : "";
  }
  return { address: url.href, own };
}

/** The same address for some series only: what OHIF is not given cannot stop it. All of them when there are none. */
export function narrowed(address: string, series: readonly string[]): string {
  if (series.length === 0) return address;
  const url = new URL(address);
  url.searchParams.set("SeriesInstanceUIDs", series.join(","));
  return url.href;
}

/** The id under which a viewer token can be taken back; null when it is not written as ours are. */
export function tokenId(token: string): string | null {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as { jti?: unknown };
    return typeof claims.jti === "string" ? claims.jti : null;
  } catch {
    return null;
  }
}
