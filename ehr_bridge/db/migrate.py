"""Brings a database to the schema this version of the code expects (Alembic)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ehr_bridge.db.database import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration up to `revision`; nothing happens when the schema is there already."""
    command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take migrations back down to `revision` ("base" removes every table of ours)."""
    command.downgrade(_config(database), revision)


def is_current(database: Database) -> bool:
    """Whether the schema is the one this code expects."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == _newest()


@cache
def _newest() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def new_revision(database: Database, message: str) -> None:
    """Write a migration file for what the models have and the database lacks (for developers)."""
    command.revision(_config(database), message=message, autogenerate=True)
