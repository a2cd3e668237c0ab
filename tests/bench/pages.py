"""How long our own pages take until somebody can work with them, on a first visit.

Every visit is a new Chromium context with an empty cache: all files are fetched, parsed and compiled anew. A page is
usable when what is waited for stands in it, a frame was drawn since, and its thread came back for the next task; then
it is used, so that a page that only looks ready fails. The list of orders shows fifty.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed, Product
from tests.support.chromium import EXECUTABLE, FLAGS

SIGN_IN, WORKLIST = "page_interactive_ms", "worklist_interactive_ms"
ORDERS = 50
USABLE = """
window.usable = new Promise((tell, fail) => {
  setTimeout(fail, 30_000, new Error("it takes more than 30 s"));
  const watcher = new MutationObserver(() => {
    if (!document.querySelector(%s)) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => tell(performance.now())));
  });
  watcher.observe(document, { childList: true, subtree: true });
});
"""
"""Milliseconds since the navigation began, promised in the page."""
SIGNED_IN = "sessionStorage.setItem('ehr-bridge.session', %s);\n"


def signed_in(token: str) -> str:
    """A script before everything else of a page: somebody has signed in there."""
    return SIGNED_IN % json.dumps(json.dumps({"token": token, "username": "bench"}))


class Visits:
    """First visits to one server."""

    def __init__(self, browser: Browser, product: Product, plan: Plan) -> None:
        self._browser = browser
        self._product = product
        self._rounds = 3 * plan.rounds

    def sign_in(self) -> Time:
        """Until a name can be typed into the sign-in page."""

        def is_usable(page: Page) -> None:
            page.keyboard.type("nora")
            expect(page.get_by_label("User name")).to_have_value("nora")

        script = USABLE % json.dumps("input[name=username]")
        return self._time(SIGN_IN, "until the sign-in page can be typed into", script, is_usable)

    def worklist(self) -> Time:
        """Until somebody who is signed in has the orders, and opens one."""

        def is_usable(page: Page) -> None:
            expect(page.locator("tbody tr")).to_have_count(ORDERS)
            page.locator("tbody .row-link").first.click()
            expect(page.get_by_role("region", name="Order", exact=True)).to_be_visible()

        script = signed_in(self._product.token("radiologist")) + USABLE % json.dumps("tbody .row-link")
        return self._time(WORKLIST, f"until {ORDERS} orders are there", script, is_usable)

    def _time(self, name: str, note: str, script: str, is_usable: Callable[[Page], None]) -> Time:
        """The median of all visits but the first, which warms up the browser and the server."""
        try:
            times = [self._visit(script, is_usable) for _ in range(self._rounds + 1)][1:]
        except (Error, AssertionError) as error:
            raise Failed(f"{name}: the page does not become usable: {str(error)[:500]}") from error
        spread = f"{min(times):.0f} - {max(times):.0f}"
        return Time(name, statistics.median(times), f"a first visit {note}; {spread}: lower is better", unit="ms")

    def _visit(self, script: str, is_usable: Callable[[Page], None]) -> float:
        context = self._browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(script)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{self._product.http_port}/ehr/", wait_until="commit")
        milliseconds = float(page.evaluate("window.usable"))
        is_usable(page)
        context.close()
        return milliseconds


@contextmanager
def visits(plan: Plan) -> Iterator[Visits]:
    """A server of its own with as many orders as a page of the list holds, and a browser."""
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder, sync_playwright() as playwright:
        product = Product(Path(folder) / Product.name)
        try:
            product.wait_until_ready()
            _fill(product)
            browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
            yield Visits(browser, product, plan)
            browser.close()
        finally:
            product.stop()


def _fill(product: Product) -> None:
    begin = datetime.now(UTC) + timedelta(hours=1)
    for number in range(ORDERS):
        person = {
            "family_name": f"Worklist{number}",
            "given_name": "Wanda",
            "birth_date": "1970-01-01",
            "sex": "female",
        }
        product.put(f"/api/v1/patients/BENCH-{number}", person)
        order = {
            "mrn": f"BENCH-{number}",
            "modality": "CT",
            "description": "CT thorax",
            "scheduled_at": (begin + timedelta(minutes=10 * number)).isoformat(),
            "ordered_by": "Referrer^Rosa",
        }
        product.put(f"/api/v1/orders/BENCH-{number}", order)
