"""scripts/bench seed: each number of the plan that this product was begun with, and what is measured beside it.

One real server with its default settings and one real Chromium, on the machine that the command runs on. Files are
slices of the phantom, enlarged to the sizes that the plan names. Uploads go through the upload page as a person sends
them: the clock runs from choosing the folder until the page says that all files are stored; afterwards the server must
say that all of them are there and linked to their order. Tags are read by the API, from every file of the pydicom
package that pydicom itself reads. The viewer is opened by a click, by browsers that have nothing in their cache; each
next image and each change of the window is timed from the event of the mouse until the frame is drawn. Reported is the
slowest of them, not the middle. Browsers and server share the processors.

A number that is missed is said and does not end the command with an error: a slow machine is no fault of the product.
What cannot be vouched for (a file that is not stored, an empty picture) does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Error, expect, sync_playwright

from tests.bench.listing import postgres
from tests.bench.seed_reading import TAGS, Reader, read_tags
from tests.bench.seed_uploads import Sender, Study
from tests.bench.servers import INDEX, Failed
from tests.support.chromium import EXECUTABLE, FLAGS
from tests.support.running import running
from tests.support.server import Server

PATIENCE = 60_000
"""Milliseconds that the browser waits for what it looks for."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is sent and read: images of a study and pixels on each side of one."""

    ct: tuple[int, int]
    hundred: tuple[int, int]
    mr: tuple[int, int]
    single: int
    steps: int
    """Next images and changes of the window."""
    viewers: int


FULL = Amount(ct=(500, 720), hundred=(100, 720), mr=(200, 1600), single=2200, steps=30, viewers=5)
"""720 x 720 pixels are 1.04 MB, 1600 x 1600 are 5.1 MB, 2200 x 2200 are 9.7 MB."""
QUICK = Amount(ct=(12, 256), hundred=(4, 256), mr=(4, 256), single=256, steps=2, viewers=1)
"""Says that everything works, and nothing about the plan."""


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the plan; `limit` is what the measured one must stay below, or be above where `above` says so."""

    name: str
    asks: str
    value: float
    limit: float
    unit: str
    what: str
    """What was done, as far as the plan leaves it open."""
    above: bool = False

    @property
    def is_met(self) -> bool:
        return self.value > self.limit if self.above else self.value < self.limit


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the last line is JSON. Returns the exit code: 0 although a number is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench seed", description="The numbers of the plan, measured.")
    parser.add_argument("--quick", action="store_true", help="a few small images: that everything works, no numbers")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="of the server")
    options = parser.parse_args(arguments)
    expect.set_options(timeout=PATIENCE)
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder,
        _settings(options.database) as settings,
        running(Path(folder), **settings) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        rows = measure(server, browser, Path(folder), QUICK if options.quick else FULL)
        browser.close()
    print(table(rows))
    print(f"{options.database}, {os.cpu_count()} processors, load {load:.1f} at the start", end="")
    print("; quick: fewer and smaller images than the plan names" if options.quick else "")
    print(as_json(rows))
    return 0


def measure(server: Server, browser: Browser, folder: Path, amount: Amount) -> list[Row]:
    """Every number of the plan.

    Raises:
        Failed: something was not stored, linked or shown as it must be; nothing is reported then.
    """
    rows = []
    try:
        for row in _rows(server, browser, folder, amount):
            print(f"bench: {row.name}", file=sys.stderr, flush=True)
            rows.append(row)
    except (Error, AssertionError) as error:
        raise Failed(f"the page does not do what it must: {str(error)[:1000]}") from error
    return rows


def _rows(server: Server, browser: Browser, folder: Path, amount: Amount) -> Iterator[Row]:
    sender = Sender(server, browser, folder)
    single, size = sender.send_one(amount.single)
    yield Row("single_file_s", "one file below 10 MB in 5 s", single, 5, "s", f"{size / 1e6:.1f} MB, by the API")
    sent: dict[str, Study] = {}
    for name, asks, limit, modality, (count, side) in (
        ("ct_500_images_s", "CT, 500 images, 500 MB in 60 s", 60, "CT", amount.ct),
        ("images_100_s", "100 images in 30 s", 30, "CT", amount.hundred),
        ("mr_1gb_s", "MR, 200 images, 1 GB in 90 s", 90, "MR", amount.mr),
    ):
        sent[name] = one = sender.send(modality, count, side)
        yield Row(name, asks, one.seconds, limit, "s", f"{count} files, {one.size / 1e6:.0f} MB, by the upload page")
    largest = sent["ct_500_images_s"]
    what = "the widest step of the bar while the CT was sent"
    yield Row("progress_step_percent", "progress every 10 %", largest.widest_step, 10, "%", what)
    yield from _viewing(server, browser, largest, amount)
    yield _tags(server)


def _viewing(server: Server, browser: Browser, study: Study, amount: Amount) -> Iterator[Row]:
    reader = Reader(server, browser)
    with reader.at(study.uid) as page:
        seconds = reader.open(page)
        what = f"first image of {study.count}, nothing in the browser's cache"
        yield Row("viewer_open_s", "study opens in 10 s", seconds, 10, "s", what)
        times = reader.next_images(page, amount.steps)
        yield Row("next_image_ms", "next image in 1 s", max(times), 1000, "ms", _slowest(times))
        times = reader.windows(page, amount.steps)
        yield Row("window_ms", "window and level in 100 ms", max(times), 100, "ms", _slowest(times))
    seconds = reader.open_at_once(study.uid, amount.viewers)
    what = f"the last one's first image of {amount.viewers} browsers on this machine, all without a cache"
    yield Row("five_viewers_s", "five viewers at once, each in 10 s", seconds, 10, "s", what)


def _slowest(times: Sequence[float]) -> str:
    middle = sorted(times)[len(times) // 2]
    return f"the slowest of {len(times)}, while the study still loads; in the middle {middle:.0f} ms"


def _tags(server: Server) -> Row:
    tags = read_tags(server)
    what = f"{tags.values} values of {len(TAGS)} attributes in {tags.files - tags.damaged} real files, by the API"
    what += f"; {tags.damaged} more are damaged and refused"
    return Row("tags_right_percent", "tags read, above 99 %", 100 * tags.right / tags.values, 99, "%", what, above=True)


def table(rows: Sequence[Row]) -> str:
    """What the plan asks, what was measured, and whether that is enough."""
    lines = [("what the plan asks", "measured", "met", "how")]
    lines += [(row.asks, f"{row.value:.1f} {row.unit}", "yes" if row.is_met else "MISSED", row.what) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        f"{asks:<{widths[0]}}  {value:>{widths[1]}}  {met:<{widths[2]}}  {how}" for asks, value, met, how in lines
    )


def as_json(rows: Sequence[Row]) -> str:
    """The numbers by name, and the names of those that the plan asks for in vain."""
    numbers = {row.name: round(row.value, 3) for row in rows}
    return json.dumps({**numbers, "missed": [row.name for row in rows if not row.is_met]})


@contextmanager
def _settings(database: str) -> Iterator[dict[str, str]]:
    """Of a server on that engine."""
    if database == "sqlite":
        yield {}
        return
    with postgres() as cluster:
        yield {name: cluster.new_database() for name in ("EHR_BRIDGE_DATABASE_URL", INDEX)}
