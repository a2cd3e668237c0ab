/**
 * What the link has behind its #. public/launch.js has taken it out of the address and left it in this tab, where a reload
 * finds it; it is gone with the tab.
 */
export const KEPT = "ehr-bridge.share";

export function takeSecret(storage: Pick<Storage, "getItem"> = window.sessionStorage): string | null {
  try {
    return storage.getItem(KEPT);
  } catch {
    return null;
  }
}
