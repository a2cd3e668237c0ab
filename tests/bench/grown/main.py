"""scripts/bench grown: how long everything takes that people wait for, in an archive of a million studies.

The rows of five years (`tests.bench.grown.rows`) are written into a SQLite file in bulk and moved to PostgreSQL by the
product's own command. Then each question (`tests.bench.grown.questions`) is asked five times, with other values each
time, through the WSGI application with the archive faked: what is measured is ours and the database's. Reported are the
middle and the slowest of the five, in milliseconds; `--explain` shows the plan of each slow statement.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from sqlalchemy import text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from plugin.moving import ours
from tests.bench.grown.asking import Measured, ask_all, explained
from tests.bench.grown.filling import fill
from tests.bench.grown.questions import QUESTIONS, START, WORKLIST
from tests.bench.grown.rows import Grown
from tests.bench.servers import Failed
from tests.conftest import PostgresCluster

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
    parser.add_argument("--keep", type=Path, help="folder for the SQLite file; one that is there is asked as it is")
    parser.add_argument("--postgresql", action="store_true", help="also move the rows to PostgreSQL, and ask that")
    parser.add_argument("--url", help="ask this filled database instead (its number of studies: --studies)")
    options = parser.parse_args(arguments)
    grown = Grown(QUICK if options.quick else options.studies, datetime.now(UTC))
    numbers: dict[str, dict[str, float]] = {}
    with _databases(grown, options.keep, options.url, also_moved=options.postgresql) as databases:
        for name, url in databases:
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
def _databases(
    grown: Grown, keep: Path | None, url: str | None, *, also_moved: bool
) -> Iterator[Iterable[tuple[str, str]]]:
    """What is asked, with names; each is made when its turn comes."""
    if url is not None:
        yield [(url.partition("+")[0].partition(":")[0], url)]
        return
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        path = (keep or Path(folder)) / "grown.sqlite3"
        if not path.exists():
            begin = time.monotonic()
            fill(path, grown)
            print(f"SQLite: {path.stat().st_size / 1e9:.2f} GB in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        sqlite = ("SQLite", f"sqlite:///{path}")
        if not also_moved:
            yield [sqlite]
            return
        cluster = PostgresCluster(_open_folder(Path(folder) / "postgres"), is_durable=False)
        cluster.start()
        try:
            yield chain([sqlite], (("PostgreSQL", _moved(path, cluster)) for _ in range(1)))
        finally:
            cluster.stop()


def _open_folder(folder: Path) -> Path:
    """PostgreSQL has a user of its own."""
    folder.mkdir()
    folder.parent.chmod(0o711)
    return folder


def _moved(path: Path, cluster: PostgresCluster) -> str:
    """The URL of a PostgreSQL database with the same rows and with statistics, which autovacuum makes otherwise."""
    begin, url = time.monotonic(), cluster.new_database()
    database = Database(url)
    ours.prepare(database)
    with closing(sqlite3.connect(path)) as source, database.engine.begin() as connection:
        rows, _ = ours.move(source, connection, lambda said: print(f"bench: {said}", file=sys.stderr, flush=True))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        size = connection.scalar(text("SELECT pg_database_size(current_database())"))
    database.dispose()
    took = time.monotonic() - begin
    print(f"PostgreSQL: {rows:,} rows moved in {took:.0f} s, {(size or 0) / 1e9:.2f} GB", file=sys.stderr)
    return url


def _line(one: Measured) -> str:
    mark = " SLOW" if one.middle > SLOW_MS else ""
    return f"{one.label:<60} {one.middle:>8.1f} {max(one.milliseconds):>8.1f}{mark}"
