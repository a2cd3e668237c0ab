"""Copies rows from a SQLite file into empty tables of PostgreSQL, all of them in the transaction of the caller."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

TOLD_EVERY = 10
"""Seconds between two lines of progress."""
AT_ONCE = 5_000
_INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY($1)
    AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname"""
_COUNTERS = """SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)
    FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ANY($1)
    AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"""


class NotTheSame(Exception):
    """What was copied is not what was there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of one table: its name and columns on PostgreSQL, and what gives them on SQLite."""

    table: str
    columns: tuple[str, ...]
    select: str


def pour(
    source: sqlite3.Connection, target: psycopg.Connection, pieces: Sequence[Piece], say: Callable[[str], object]
) -> int:
    """Copy every piece in this order, and count on both sides. Returns the number of rows.

    Indexes are made anew after the rows, which takes a fraction of the time. Triggers of the target are left out.

    Raises:
        NotTheSame: fewer or more rows have arrived.
        psycopg.Error: a row does not fit.
    """
    tables = [piece.table for piece in pieces]
    target.execute("SET LOCAL timezone = 'UTC'")
    target.execute("SET LOCAL maintenance_work_mem = '256MB'")
    indexes = target.execute(_INDEXES, [tables]).fetchall()
    for name, _ in indexes:
        target.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    for table in tables:
        target.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
    rows = sum(_copy(source, target, piece, say) for piece in pieces)
    for table in tables:
        target.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
    if indexes:
        say(f"{rows:,} rows copied; making {len(indexes)} indexes")
    for _, definition in indexes:
        target.execute(definition)
    for table, column, counter in target.execute(_COUNTERS, [tables]).fetchall():
        newest = sql.SQL("SELECT setval($1, COALESCE(MAX({}), 0) + 1, false) FROM {}")
        target.execute(newest.format(sql.Identifier(column), sql.Identifier(table)), [counter])
    return rows


def _copy(source: sqlite3.Connection, target: psycopg.Connection, piece: Piece, say: Callable[[str], object]) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, piece.columns))
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(piece.table), columns)
    read, told = 0, time.monotonic()
    found = source.execute(piece.select)
    with target.cursor() as cursor:
        with cursor.copy(into) as copy:
            while rows := found.fetchmany(AT_ONCE):
                for row in rows:
                    copy.write_row(row)
                read += len(rows)
                if time.monotonic() - told > TOLD_EVERY:
                    say(f"{piece.table}: {read:,} rows")
                    told = time.monotonic()
        counted = cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(piece.table))).fetchone()
    if counted is None or counted[0] != read:
        raise NotTheSame(f"{piece.table}: {read} rows were read and {counted[0] if counted else 0} are there")
    return read
