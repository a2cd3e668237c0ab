/** What the page does with OHIF in its frame: hands it a new token, and clears up what it leaves in this tab. */

/** As far as we use it: OHIF puts its services on its window. */
interface OhifWindow extends Window {
  services?: {
    userAuthenticationService?: {
      setServiceImplementation(implementation: { getAuthorizationHeader: () => { Authorization: string } }): void;
    };
  };
}

/** From now on OHIF asks for images with this token. False when it is not ready for one yet. */
export function handToken(frame: HTMLIFrameElement | null, token: string): boolean {
  const service = (frame?.contentWindow as OhifWindow | null)?.services?.userAuthenticationService;
  if (!service) return false;
  service.setServiceImplementation({ getAuthorizationHeader: () => ({ Authorization: `Bearer ${token}` }) });
  return true;
}

/** The tab's storage as it is now; the answer puts it back to that. A frame of the same origin shares it with the page. */
export function rememberStorage(storage: Storage = window.sessionStorage): () => void {
  const before = new Set(Object.keys(storage));
  return () => {
    for (const key of Object.keys(storage)) if (!before.has(key) && !key.startsWith("ehr-bridge.")) storage.removeItem(key);
  };
}
