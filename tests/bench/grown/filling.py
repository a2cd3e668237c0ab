"""Writes the rows of a grown archive into a migrated SQLite file, in bulk."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from tests.bench.grown.rows import Grown, Row

AT_ONCE = 5_000
TOLD_EVERY = 30
QUICK = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-600000; PRAGMA foreign_keys=OFF;"


def fill(path: Path, grown: Grown) -> None:
    """Make the file. Indexes are made after the rows, which is quicker. There is no ANALYZE, because the product makes
    none: SQLite chooses its plans without knowing how many rows there are."""
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.dispose()
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.executescript(QUICK)
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        for rows in (grown.all_patients(), grown.all_counts(), grown.all_orders()):
            _write(connection, rows)
        connection.execute("COMMIT")
        for name, statement in indexes:
            _say(name)
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode=WAL")


def _write(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    kept: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = defaultdict(list)
    written, told = 0, time.monotonic()
    for table, values in rows:
        shape = (table, tuple(values))
        some = kept[shape]
        some.append(tuple(values.values()))
        if len(some) == AT_ONCE:
            _insert(connection, *shape, some)
            written += AT_ONCE
            some.clear()
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                _say(f"{written:,} rows")
    for shape, some in kept.items():
        _insert(connection, *shape, some)


def _insert(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    places = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
