"""The door for who reads what this node recorded a moment ago: it is written and counted before anybody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database


class Fresh:
    """As `Database`. `settle` (see `Recorder`) costs nothing when nothing waits."""

    def __init__(self, database: Database, settle: Callable[[], None]) -> None:
        self._database = database
        self._settle = settle

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for looking. Raises Unavailable."""
        self._settle()
        with self._database.read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction. Raises Unavailable."""
        self._settle()
        with self._database.write() as session:
            yield session
