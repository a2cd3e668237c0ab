"""Sessions that also see what this node has stored a moment ago: its rows are written and counted first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database


class Fresh:
    """Like `Database`. `settle` (see `Recorder`) costs nothing when nothing is waiting.

    It takes a writer's turn of its own, so `together` does it before it begins, and nothing within does it again.
    """

    def __init__(self, database: Database, settle: Callable[[], None]) -> None:
        self._database = database
        self._settle = settle

    @contextmanager
    def read(self) -> Iterator[Session]:
        self._settle_first()
        with self._database.read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        self._settle_first()
        with self._database.write() as session:
            yield session

    @contextmanager
    def together(self) -> Iterator[Session]:
        self._settle_first()
        with self._database.together() as session:
            yield session

    @property
    def is_joined(self) -> bool:
        """Whether this thread is inside `together`."""
        return self._database.is_joined

    def _settle_first(self) -> None:
        if not self.is_joined:
            self._settle()
