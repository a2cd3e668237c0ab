"""Alembic's entry: runs the migrations on the engine that `ehr_bridge.db.migrate` hands over."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

from ehr_bridge.db.migrate import write_floor
from ehr_bridge.db.tables import (
    access,  # noqa: F401  (their tables belong to the metadata)
    accounts,  # noqa: F401  (their tables belong to the metadata)
    audit,  # noqa: F401  (their tables belong to the metadata)
    deletions,  # noqa: F401  (their tables belong to the metadata)
    identity_changes,  # noqa: F401  (their tables belong to the metadata)
    interfaces,  # noqa: F401  (their tables belong to the metadata)
    logs,  # noqa: F401  (their tables belong to the metadata)
    match_keys,  # noqa: F401  (their tables belong to the metadata)
    modifications,  # noqa: F401  (their tables belong to the metadata)
    quarantine,  # noqa: F401  (their tables belong to the metadata)
    second_looks,  # noqa: F401  (their tables belong to the metadata)
    uploads,  # noqa: F401  (their tables belong to the metadata)
    viewing,  # noqa: F401  (their tables belong to the metadata)
)
from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.operations import (
    backups,  # noqa: F401  (their tables belong to the metadata)
    nodes,  # noqa: F401  (their tables belong to the metadata)
    object_storage,  # noqa: F401  (their tables belong to the metadata)
)
from ehr_bridge.db.tables.results import (
    documents,  # noqa: F401  (their tables belong to the metadata)
    notices,  # noqa: F401  (their tables belong to the metadata)
    reports,  # noqa: F401  (their tables belong to the metadata)
)

engine = context.config.attributes["engine"]


@contextmanager
def tables_may_be_copied(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying it, and must not take the rows that point to it for orphans meanwhile. It
    heeds the pragma outside of transactions only; a migration that copies a table others point to checks them itself.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection
    driver.cursor().execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.cursor().execute("PRAGMA foreign_keys=ON")


with engine.connect() as connection, tables_may_be_copied(connection):
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
        write_floor(connection)
    connection.commit()
