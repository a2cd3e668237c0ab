"""Statements that may not take long, on both engines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session


@contextmanager
def limited(session: Session, seconds: float) -> Iterator[None]:
    """A statement that takes longer ends with an error, which counts as the database being away. For a session of
    `Database.read` that is not part of a transaction."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        with in_one_transaction(session, f"SET LOCAL statement_timeout = {int(seconds * 1000)}"):
            yield
        return
    driver: Any = connection.connection.dbapi_connection
    ends = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def in_one_transaction(session: Session, setting: str = "") -> Iterator[None]:
    """What a session of `Database.read` asks on PostgreSQL is one transaction, which a cursor of the server needs."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        yield
        return
    connection.exec_driver_sql("; ".join(filter(None, ["BEGIN", setting])))
    yield
    connection.exec_driver_sql("COMMIT")  # after an error the pool rolls back
