"""Brings a database to the schema this version of the code expects (Alembic).

Whether it has that schema is asked at every start and by every health check, and answered without Alembic: to load it
takes longer than to look.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from ehr_bridge.db.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
REVISION = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.MULTILINE)


def _config(database: Database) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration up to `revision`; nothing happens when the schema is there already."""
    if revision == "head" and is_current(database):
        return
    from alembic import command

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


@cache
def newest() -> str:
    """The one revision that no other follows."""
    files = (MIGRATIONS / "versions").glob("*.py")
    said: set[tuple[str, str]] = {line for file in files for line in REVISION.findall(file.read_text())}
    (revision,) = {name for kind, name in said if kind == "revision" and ("down_revision", name) not in said}
    return revision


def new_revision(database: Database, message: str) -> None:
    """Write a migration file for what the models have and the database lacks (for developers)."""
    from alembic import command

    command.revision(_config(database), message=message, autogenerate=True)
