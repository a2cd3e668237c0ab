"""Opening a study in OHIF: from the link to the first image on the screen, in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Error, Page, Request, Route, sync_playwright

from plugin.serving.pages import OHIF
from tests.bench.rounds import Ratio
from tests.bench.servers import Bare, Failed, Product, Side
from tests.browser.steps import has_picture
from tests.support.chromium import EXECUTABLE, FLAGS

NAME = "ohif_first_image_ratio"
SECONDS = 60
FIRST_IMAGE = """
const shown = () => requestAnimationFrame(() => { window.firstImage ??= performance.now(); });
for (const name of ["CORNERSTONE_STACK_NEW_IMAGE", "CORNERSTONE_VOLUME_NEW_IMAGE"]) {
  document.addEventListener(name, shown, true);  // cornerstone's events do not bubble
}
"""
"""Milliseconds since the navigation began, kept in the page."""


def measure(bare: Bare, product: Product, study: str, rounds: int) -> Ratio:
    """Seconds of both, so here less is better. Both serve the same OHIF build and study; the browser has the build in
    its cache, as for the second study of a day.

    Raises:
        Failed: a study does not open.
    """
    result = Ratio(NAME, "seconds from the link to the first image: lower is better")
    with browser() as (bares, products):
        for number in range(-1, rounds):
            opening: dict[str, Callable[[], float]] = {
                bare.name: lambda: _open(bares, bare, f"/ohif/viewer?StudyInstanceUIDs={study}"),
                product.name: lambda: _open(products, product, product.viewer_link(study)),
            }
            names = list(opening) if number % 2 == 0 else list(reversed(opening))
            seconds = {name: opening[name]() for name in names}
            if number >= 0:  # the first one fills the caches
                result.pairs.append((seconds[bare.name], seconds[product.name]))
    return result


def _open(page: Page, side: Side, link: str) -> float:
    """Seconds from following the link to the first image."""
    seconds = show(page, side, link)
    page.goto("about:blank")
    return seconds


def show(page: Page, side: Side, link: str) -> float:
    """The same, and the image stays on the screen.

    Raises:
        Failed: the study does not open.
    """
    try:
        page.goto(f"http://127.0.0.1:{side.http_port}{link}", wait_until="commit")
        page.wait_for_function("window.firstImage !== undefined", timeout=SECONDS * 1000)
        seconds = float(page.evaluate("window.firstImage")) / 1000
        if not has_picture(page.locator("canvas.cornerstone-canvas").first):
            raise Failed(f"{side.name}: what OHIF calls the first image is one flat colour")
    except Error as error:
        raise Failed(f"{side.name}: the study does not open in OHIF: {error.message[:500]}") from error
    return seconds


@contextmanager
def browser(script: str = "") -> Iterator[tuple[Page, Page]]:
    """A window for either server, each with a cache of its own; `script` runs in each of its pages."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        pages = [chromium.new_context(viewport={"width": 1280, "height": 900}).new_page() for _ in range(2)]
        for page in pages:
            page.add_init_script(FIRST_IMAGE + script)
        pages[0].route("**/ohif/viewer?*", _serve_index)
        yield pages[0], pages[1]
        chromium.close()


def _serve_index(route: Route, _: Request) -> None:
    """ServeFolders knows files only; OHIF's page for an address of its own is given to the browser here."""
    route.fulfill(path=OHIF / "index.html", content_type="text/html")
