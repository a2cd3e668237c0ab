"""Our tables from a SQLite file to PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import Connection, delete, inspect, select

import ehr_bridge.services.bundle  # noqa: F401  (all tables)
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.base import Base
from ehr_bridge.services.audit.verification import Verification, verify_connection
from plugin.moving.pouring import NotTheSame, Piece, pour

MADE_BY_MIGRATIONS = ("access_versions", "cursors", "schema_floor")
"""Tables in which a new database has rows already."""
_FORGED = "SELECT count(*) FROM report_versions WHERE encode(sha256(signed_text), 'hex') <> sha256"


class NotEmpty(Exception):
    """The database that is to be filled has something in it."""


def pieces(source: sqlite3.Connection) -> list[Piece]:
    """Every table, those first that others refer to. A column that only the file has makes it another schema, which was
    refused before."""
    of_file = []
    for table in Base.metadata.sorted_tables:
        columns = tuple(row[1] for row in source.execute(f"PRAGMA table_info({table.name})"))
        quoted = ", ".join(f'"{column}"' for column in columns)
        of_file.append(Piece(table.name, columns, f"SELECT {quoted} FROM {table.name}"))  # noqa: S608
    return of_file


def prepare(target: Database) -> None:
    """Empty tables of the present schema. What an interrupted attempt has left is as good as new: it had kept no row.

    Raises:
        NotEmpty: there are rows, or tables that are not ours.
        NewerSchema, Unavailable: as `migrate.upgrade`.
    """
    with target.read() as session:
        names = set(inspect(session.connection()).get_table_names())
    if names and "alembic_version" not in names:
        raise NotEmpty(f"it has tables of something else: {', '.join(sorted(names)[:5])}")
    migrate.upgrade(target)
    with target.read() as session:
        for table in Base.metadata.sorted_tables:
            if table.name not in MADE_BY_MIGRATIONS and session.execute(select(table).limit(1)).first() is not None:
                raise NotEmpty(f"it has rows in {table.name} already")


def move(source: sqlite3.Connection, connection: Connection, say: Callable[[str], object]) -> tuple[int, Verification]:
    """Copy every row in this transaction, and verify what can be: numbers of rows, the audit chain, signed reports.

    Raises:
        NotTheSame: something is not on the other side as it was here.
        psycopg.Error: a row does not fit.
    """
    raw = _raw(connection)
    for name in MADE_BY_MIGRATIONS:
        connection.execute(delete(Base.metadata.tables[name]))
    rows = pour(source, raw, pieces(source), say)
    say("verifying the audit trail and the reports")
    chain = verify_connection(connection)
    (events,) = source.execute("SELECT count(*) FROM audit_events").fetchone()
    if not chain.ok or chain.events != events:
        raise NotTheSame(f"the audit trail is broken at event {chain.broken_at} ({chain.reason})")
    (forged,) = raw.execute(_FORGED).fetchone() or (0,)
    if forged:
        raise NotTheSame(f"{forged} signed reports do not have their digest")
    return rows, chain


def is_current(path: Path) -> bool:
    """Whether the file has the schema of this version."""
    here = Database(f"sqlite:///{path}")
    try:
        return migrate.is_current(here)
    finally:
        here.dispose()


def _raw(connection: Connection) -> psycopg.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw
