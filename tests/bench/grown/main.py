"""scripts/bench grown: how long everything takes that people wait for, in an archive of a million studies.

The rows of five years (`tests.bench.grown.rows`) are written into a SQLite file in bulk and moved to PostgreSQL by the
product's own command. Then each question (`tests.bench.grown.questions`) is asked five times, with other values each
time, through the WSGI application with the archive faked: what is measured is ours and the database's. Reported are the
middle and the slowest of the five, in milliseconds; `--explain` shows the plan of each slow statement.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from tests.bench.grown.asking import Measured, ask_all, explained
from tests.bench.grown.filling import fill
from tests.bench.grown.questions import QUESTIONS
from tests.bench.grown.rows import Grown
from tests.bench.servers import Failed

SLOW_MS = 300
"""In the middle. What takes longer is to be mended, or said to be slow."""
QUICK = 20_000


def main(arguments: Sequence[str]) -> int:
    """Fill, ask and print; the last line is JSON. Returns the exit code: 0 although something is slow."""
    parser = argparse.ArgumentParser(prog="scripts/bench grown", description="A grown archive.")
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} studies: that everything works")
    parser.add_argument("--topic", action="append", default=[], choices=sorted({one.topic for one in QUESTIONS}))
    parser.add_argument("--explain", action="store_true", help="the plan of each slow statement")
    parser.add_argument("--keep", type=Path, help="folder for the SQLite file; one that is there is asked as it is")
    parser.add_argument("--url", help="ask this filled database instead (its number of studies: --studies)")
    options = parser.parse_args(arguments)
    grown = Grown(QUICK if options.quick else options.studies, datetime.now(UTC))
    numbers: dict[str, dict[str, float]] = {}
    with _databases(grown, options.keep, options.url) as databases:
        for name, url in databases.items():
            database = Database(url)
            if not migrate.is_current(database):
                raise Failed("the database is of another version")
            print(f"{name:<60} {'middle':>8} {'slowest':>8} ms")
            numbers[name] = {}
            for one in ask_all(database, _folder(options.keep), grown, options.topic):
                print(_line(one), flush=True)
                numbers[name][one.label] = round(one.middle, 1)
                if options.explain and one.middle > SLOW_MS:
                    print(explained(database, one), flush=True)
            database.dispose()
    print(json.dumps(numbers))
    return 0


def _folder(keep: Path | None) -> Path:
    return keep or Path(tempfile.gettempdir())


@contextmanager
def _databases(grown: Grown, keep: Path | None, url: str | None) -> Iterator[dict[str, str]]:
    """What is asked, by name."""
    if url is not None:
        yield {url.partition("+")[0].partition(":")[0]: url}
        return
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        path = (keep or Path(folder)) / "grown.sqlite3"
        if not path.exists():
            begin = time.monotonic()
            fill(path, grown)
            print(f"SQLite: {path.stat().st_size / 1e9:.2f} GB in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        yield {"SQLite": f"sqlite:///{path}"}


def _line(one: Measured) -> str:
    mark = " SLOW" if one.middle > SLOW_MS else ""
    return f"{one.label:<60} {one.middle:>8.1f} {max(one.milliseconds):>8.1f}{mark}"
