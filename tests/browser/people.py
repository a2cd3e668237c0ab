"""Several people at work at once: each has a window of their own, signed in once for all tests of a module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.steps import sign_in
from tests.support.chromium import PATIENCE_MS
from tests.support.server import Server

AXE = Path(__file__).resolve().parents[2] / "plugin" / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """async (tags) => {
  const busy = () => document.querySelector('[aria-busy="true"]') !== null;
  let dimmed = busy();
  const watch = new MutationObserver(() => { dimmed = true; });
  watch.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-busy"] });
  const result = await axe.run(document, { runOnly: tags, resultTypes: ["violations"], iframes: false });
  watch.disconnect();
  return { found: result.violations, dimmed: dimmed || busy() };
}"""
"""What axe-core finds, and whether a list was dimmed meanwhile. Of what is right it tells one element for each rule: to
name all of them takes longer than to look at them."""


class People:
    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server
        self._windows: dict[str, Page] = {}
        self._contexts: list[BrowserContext] = []
        self.trouble: list[str] = []
        """Violations of the content security policy, faults of a page, requests to other hosts."""

    def window(self, account: str) -> Page:
        """The window of one of the demo accounts."""
        if account not in self._windows:
            page = self.stranger()
            sign_in(page, self._server, account)
            self._windows[account] = page
        return self._windows[account]

    def stranger(self) -> Page:
        """A window nobody is signed in at."""
        context = self._browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.on("console", lambda m: self.trouble.append(m.text) if "Content Security Policy" in m.text else None)
        context.on("request", lambda r: self.trouble.append(r.url) if not _is_ours(r.url) else None)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: self.trouble.append(f"a dialog: {dialog.message}"))
        self._contexts.append(context)
        return page

    def go(self, account: str, path: str) -> Page:
        """Open one of our pages in somebody's window."""
        page = self.window(account)
        page.goto("about:blank")  # the same address again would be a reload, which keeps a search
        page.goto(f"{self._server.url}/ehr{path}")
        page.get_by_role("heading", level=1).wait_for()
        return page

    def leave(self) -> None:
        for context in self._contexts:
            context.close()


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1", "data:", "blob:"))


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page while none of its lists is dimmed because it is read again; OHIF in its
    frame is not ours."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    for _ in range(10):
        expect(page.locator('[aria-busy="true"]')).to_have_count(0)
        looked: dict[str, Any] = page.evaluate(LOOK, RULES)
        if not looked["dimmed"]:
            return [
                f"{one['id']}: {json.dumps([node['target'] for node in one['nodes']][:4])}" for one in looked["found"]
            ]
    raise AssertionError("a list of the page is read again without an end")
