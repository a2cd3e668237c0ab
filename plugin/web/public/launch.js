// Runs before anything else of this page: a token that came with the address leaves it, before anything can store,
// send or show it. src/launch/launched.ts takes it from here, once.
(() => {
  const { pathname, search, hash } = window.location;
  if (pathname.endsWith("/share")) {
    // The link of somebody outside: kept in this tab for a reload (src/outside/secret.ts).
    window.history.replaceState(null, "", pathname);
    try {
      if (hash.length > 1) window.sessionStorage.setItem("ehr-bridge.share", hash.slice(1));
    } catch {
      // the browser keeps nothing: the page finds no secret, and says so
    }
    window.addEventListener("hashchange", () => window.location.reload());
    return;
  }
  if (!pathname.endsWith("/launch")) return;
  window.ehrLaunch = { search, hash };
  window.history.replaceState(null, "", pathname);
  // Launched once more while still here: only what is behind the # changes, and no browser loads a page for that.
  window.addEventListener("hashchange", () => {
    if (window.location.pathname.endsWith("/launch")) window.location.reload();
  });
})();
