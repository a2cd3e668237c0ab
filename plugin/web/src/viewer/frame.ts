/** What OHIF in a frame leaves in this tab, and how it is cleared up. */

/** The tab's storage as it is now; the answer puts it back to that. A frame of the same origin shares it with the page. */
export function rememberStorage(storage: Storage = window.sessionStorage): () => void {
  const before = new Set(Object.keys(storage));
  return () => {
    for (const key of Object.keys(storage)) if (!before.has(key) && !key.startsWith("ehr-bridge.")) storage.removeItem(key);
  };
}
