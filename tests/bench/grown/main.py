"""scripts/bench grown: how long everything takes that people wait for, in an archive of a million studies.

The rows of five years (`tests.bench.grown.rows`) are written into a SQLite file in bulk and moved to PostgreSQL by the
product's own command. Then each question (`tests.bench.grown.questions`) is asked five times, with other values each
time, through the WSGI application with the archive faked: what is measured is ours and the database's. Reported are the
middle and the slowest of the five, in milliseconds, and the processor time of this program; `--explain` shows the plan
of each slow statement. A question that has no answer within `--limit` seconds is said to have none, and the next one is
asked.

`--keep FOLDER` keeps what was filled and moved: a second call there only asks, also after a migration.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from ehr_bridge.db.database import Database
from tests.bench.grown.asking import Measured, ask_all, explained
from tests.bench.grown.kept import Archive
from tests.bench.grown.questions import QUESTIONS, START, WORKLIST
from tests.bench.grown.watching import LIMIT_SECONDS

SLOW_MS = 300
"""In the middle. What takes longer is to be mended, or said to be slow."""
QUICK = 20_000
ALL = (*QUESTIONS, WORKLIST, START)


def main(arguments: Sequence[str]) -> int:
    """Fill, ask and print; the last line is JSON. Returns the exit code: 0 although something is slow."""
    parser = argparse.ArgumentParser(prog="scripts/bench grown", description="A grown archive.")
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} studies: that everything works")
    parser.add_argument("--topic", action="append", default=[], choices=sorted({one.topic for one in ALL}))
    parser.add_argument("--explain", action="store_true", help="the plan of each slow statement")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds after which a question is ended")
    parser.add_argument("--keep", type=Path, help="folder for the databases; what is there is asked as it is")
    parser.add_argument("--only-fill", action="store_true", help="make what `--keep` keeps, and ask nothing")
    databases = parser.add_mutually_exclusive_group()
    databases.add_argument("--postgresql", action="store_true", help="also move the rows to PostgreSQL, and ask that")
    databases.add_argument("--only-postgresql", action="store_true", help="the same, without asking SQLite")
    options = parser.parse_args(arguments)
    numbers: dict[str, dict[str, float | None]] = {}
    with Archive(options.keep, QUICK if options.quick else options.studies) as archive:
        urls = {} if options.only_postgresql else {"SQLite": archive.sqlite}
        if options.postgresql or options.only_postgresql:
            urls["PostgreSQL"] = archive.postgresql
        for name, url in urls.items():
            database = Database(url())
            numbers[name] = {} if options.only_fill else _asked(name, database, archive, options)
            database.dispose()
    print(json.dumps(numbers))
    return 0


def _asked(name: str, database: Database, archive: Archive, options: argparse.Namespace) -> dict[str, float | None]:
    print(f"{name:<60} {'middle':>8} {'slowest':>8} {'processor':>9} ms; waiting programs: {os.getloadavg()[0]:.1f}")
    numbers: dict[str, float | None] = {}
    for one in ask_all(database, archive.folder, archive.grown, options.topic, options.limit):
        print(_line(one), flush=True)
        numbers[one.label] = round(one.middle, 1) if one.is_answered else None
        if options.explain and (one.middle > SLOW_MS or not one.is_answered):
            print(explained(database, one), flush=True)
    return numbers


def _line(one: Measured) -> str:
    if not one.is_answered:
        return f"{one.label:<60} no answer within {one.milliseconds[-1] / 1000:.0f} s"
    mark = " SLOW" if one.middle > SLOW_MS else ""
    return f"{one.label:<60} {one.middle:>8.1f} {max(one.milliseconds):>8.1f} {one.processor:>9.1f}{mark}"
