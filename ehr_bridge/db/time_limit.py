"""Statements that may not take long, on both engines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@contextmanager
def limited(session: Session, seconds: float) -> Iterator[None]:
    """A statement that takes longer ends with an error, which counts as the database being away. Not within a
    transaction that writes: on PostgreSQL the limit holds until the transaction ends."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        session.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    ends = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
