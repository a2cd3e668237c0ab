// Runs before anything else of this page: a token that came with the address leaves it, before anything can store,
// send or show it. src/launch/launched.ts takes it from here, once.
(() => {
  const { pathname, search, hash } = window.location;
  if (!pathname.endsWith("/launch")) return;
  window.ehrLaunch = { search, hash };
  window.history.replaceState(null, "", pathname);
  // Launched once more while still here: only what is behind the # changes, and no browser loads a page for that.
  window.addEventListener("hashchange", () => {
    if (window.location.pathname.endsWith("/launch")) window.location.reload();
  });
})();
