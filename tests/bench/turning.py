"""Turning pages in OHIF: from the mouse to the frame with the new picture, in Chromium, while the study still loads.

A series of a CT's size, on both servers, with the same OHIF build. Each round opens it in either, newly, and begins at
the first image: so what the server is slow to give is waited for. The browser has the build in its cache, and nothing
of the study.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from playwright.sync_api import Error, Page

from tests.bench import opening
from tests.bench.rounds import Time
from tests.bench.seed_reading import NEW_IMAGE, WATCH, WINDOW, times_of
from tests.bench.servers import Bare, Failed, Product, Side

NEXT_IMAGE, WINDOW_LEVEL = "ohif_next_image_ms_p95", "ohif_window_ms_p95"
SLICES, SIDE = 120, 512
STEPS = 30
"""Of each round, on each server."""


def next_images(bare: Bare, product: Product, study: str, rounds: int) -> Time:
    """Milliseconds from a turn of the wheel until the next image is drawn. Raises Failed when none is."""

    def turn(page: Page) -> list[float]:
        _point(page)
        return times_of(page.main_frame, NEW_IMAGE, STEPS, lambda _: page.mouse.wheel(0, 100))

    return _measure(NEXT_IMAGE, bare, product, study, rounds, turn)


def windows(bare: Bare, product: Product, study: str, rounds: int) -> Time:
    """Milliseconds from a movement of the mouse until the image is drawn with the new window. Raises Failed when it is
    not."""

    def drag(page: Page) -> list[float]:
        x, y = _point(page)
        page.mouse.down()
        # a click becomes a movement: the first one that changes the window does not count
        times_of(page.main_frame, WINDOW, 1, lambda _: page.mouse.move(x + 40, y, steps=4))
        times = times_of(page.main_frame, WINDOW, STEPS, lambda step: page.mouse.move(x + 43 + 3 * step, y))
        page.mouse.up()
        return times

    return _measure(WINDOW_LEVEL, bare, product, study, rounds, drag)


def _measure(
    name: str, bare: Bare, product: Product, study: str, rounds: int, act: Callable[[Page], list[float]]
) -> Time:
    times: dict[str, list[float]] = {bare.name: [], product.name: []}

    def take(side: Side, page: Page, link: str) -> None:
        opening.show(page, side, link)
        try:
            times[side.name] += act(page)
            page.goto("about:blank")
        except Error as error:
            raise Failed(f"{side.name}: OHIF draws nothing new: {error.message[:500]}") from error

    with opening.browser(WATCH) as (bares, products):
        for number in range(-1, rounds):
            links = {bare.name: f"/ohif/viewer?StudyInstanceUIDs={study}", product.name: product.viewer_link(study)}
            turns: list[tuple[Side, Page]] = [(bare, bares), (product, products)]
            for side, page in turns if number % 2 == 0 else reversed(turns):
                take(side, page, links[side.name])
            if number < 0:  # the first one fills the caches
                for taken in times.values():
                    taken.clear()
    return _told(name, times[bare.name], times[product.name])


def _told(name: str, bare: list[float], product: list[float]) -> Time:
    slow = {side: statistics.quantiles(times, n=20)[18] for side, times in (("bare", bare), ("product", product))}
    middle = f"in the middle {statistics.median(product):.0f} and {statistics.median(bare):.0f} ms"
    note = f"bare Orthanc {slow['bare']:.1f} ms, ratio {slow['product'] / slow['bare']:.3f}; {middle}; "
    note += f"{len(product)} each, {SLICES} slices of {SIDE} x {SIDE}; lower is better"
    return Time(name, slow["product"], note, unit="ms")


def _point(page: Page) -> tuple[float, float]:
    """Move the mouse onto the image; where it is then."""
    box = page.locator("canvas.cornerstone-canvas").first.bounding_box()
    if box is None:
        raise Failed("the image is not on the screen")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    return x, y
