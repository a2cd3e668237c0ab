"""Brings a database to the schema that this version of the code expects (Alembic).

Every start and every health check asks whether it has that schema. The answer does without Alembic, which takes longer
to import than the check takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from ehr_bridge.db.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
REVISION = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.MULTILINE)
ADDITIVE = re.compile(r"^additive = True$", re.MULTILINE)
"""Of a migration that only adds what older versions need not know: they go on serving beside newer ones (ADR 0080)."""


MIGRATING = 0x0E4B_0C01
"""Key of the advisory lock on PostgreSQL."""
LONGEST_WAIT = "10min"
"""For the migration of another node; a large table takes seconds."""


class NewerSchema(Exception):
    """The database has a schema that this version of the product does not know."""


@contextmanager
def _one_at_a_time(database: Database) -> Iterator[None]:
    """Needed on PostgreSQL only; SQLite's writers take turns anyway."""
    if database.is_sqlite:
        yield
        return
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
        yield


def _require_known(database: Database) -> None:
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return
        there = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    unknown = set(there) - _revisions()
    if unknown:
        raise NewerSchema(
            f"the database has the schema {', '.join(sorted(unknown))}, which this version does not know: "
            "a newer one has migrated it. Start that version, or restore the backup from before the upgrade"
        )


def _config(database: Database) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration up to `revision`, if any is missing. When several nodes start at once, one migrates and the
    others wait. Raises NewerSchema when another version of the product has migrated the database."""
    if revision == "head" and is_current(database):
        return
    from alembic import command

    with _one_at_a_time(database):
        _require_known(database)
        command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take migrations back down to `revision` ("base" removes every table of ours)."""
    from alembic import command

    command.downgrade(_config(database), revision)


def is_current(database: Database) -> bool:
    """Whether the schema is the one this code expects."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [newest()]


class Fit(StrEnum):
    """How the schema of a database fits this version of the code."""

    CURRENT = "current"
    NEWER = "newer"
    """Migrated by a newer version, and nothing that this one needs has changed: it goes on serving."""
    WRONG = "wrong"
    """Not migrated yet, or migrated further than this version can follow."""


def fit(database: Database) -> Fit:
    """Raises SQLAlchemy's error when the database is away."""
    with database.engine.connect() as connection:
        tables = inspect(connection)
        if not tables.has_table("alembic_version"):
            return Fit.WRONG
        there = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
        if there == [newest()]:
            return Fit.CURRENT
        if set(there) & _revisions() or not tables.has_table("schema_floor"):
            return Fit.WRONG
        floor = connection.scalars(text("SELECT revision FROM schema_floor")).all()
    return Fit.NEWER if floor and set(floor) <= _revisions() else Fit.WRONG


def may_serve(database: Database) -> bool:
    """Whether this version can use the database as it is. Raises SQLAlchemy's error when it is away."""
    return fit(database) is not Fit.WRONG


def write_floor(connection: Connection) -> None:
    """Record, in the transaction of a migration, the last one that is not additive: a version that knows it may go on
    serving, even if it does not know those after it."""
    if not inspect(connection).has_table("schema_floor"):
        return
    there = connection.scalar(text("SELECT version_num FROM alembic_version"))
    connection.execute(text("DELETE FROM schema_floor"))
    connection.execute(text("INSERT INTO schema_floor (revision) VALUES (:floor)"), {"floor": _floor(there)})


def _floor(revision: str) -> str:
    said = {}
    for file in (MIGRATIONS / "versions").glob("*.py"):
        migration = file.read_text()
        own = dict(REVISION.findall(migration))
        said[own["revision"]] = (own.get("down_revision"), ADDITIVE.search(migration) is not None)
    before, is_additive = said[revision]
    while is_additive and before is not None:
        revision = before
        before, is_additive = said[revision]
    return revision


@cache
def newest() -> str:
    """The revision that no other follows."""
    said = _said()
    (revision,) = {name for kind, name in said if kind == "revision" and ("down_revision", name) not in said}
    return revision


def is_known(revision: str) -> bool:
    """Whether this version has a migration to it, and so understands what was there then."""
    return revision in _revisions()


def _revisions() -> set[str]:
    return {name for kind, name in _said() if kind == "revision"}


def _said() -> set[tuple[str, str]]:
    files = (MIGRATIONS / "versions").glob("*.py")
    return {line for file in files for line in REVISION.findall(file.read_text())}
