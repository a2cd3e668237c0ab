// Runs before anything else of this page: a token that came with the address leaves it, before anything can store,
// send or show it. src/launch/launched.ts takes it from here, once.
(() => {
  const { pathname, search, hash } = window.location;
  if (!pathname.endsWith("/launch")) return;
  window.ehrLaunch = { search, hash };
  window.history.replaceState(null, "", pathname);
})();
