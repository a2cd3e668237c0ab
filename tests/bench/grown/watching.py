"""The statements of one request, how long each took, and an end of it when it takes too long."""

from __future__ import annotations

import time
from threading import Event, Thread
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

LIMIT_SECONDS = 60
AGAIN_SECONDS = 0.5

type Statement = tuple[float, str, Any]
"""How many milliseconds it took, its text and its parameters."""


class Watched:
    """Around one request. After the limit the database is told to stop, and `is_late` is true; whatever the request
    raises then is swallowed, and no further statement of it begins."""

    def __init__(self, limit_seconds: float) -> None:
        self.statements: list[Statement] = []
        self.is_late = False
        self._limit = limit_seconds
        self._begun: list[tuple[float, str, Any]] = []
        self._connection: Any = None
        self._ended = Event()
        self._watching = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watched:
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)
        self._watching.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> bool:
        self._ended.set()
        self._watching.join()
        event.remove(Engine, "before_cursor_execute", self._before)
        event.remove(Engine, "after_cursor_execute", self._after)
        if self.is_late:
            now = time.perf_counter()
            self.statements += [((now - at) * 1000, statement, given) for at, statement, given in self._begun]
        return self.is_late and kind is not None and issubclass(kind, Exception)

    def _before(self, connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if self.is_late:
            raise OperationalError(statement, parameters, TimeoutError("the limit of the bench"))
        self._connection = connection.connection.dbapi_connection
        self._begun.append((time.perf_counter(), statement, parameters))

    def _after(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        begin = self._begun.pop()[0]
        self.statements.append(((time.perf_counter() - begin) * 1000, statement, parameters))

    def _watch(self) -> None:
        """Told again and again: a statement that begins just then has not heard it."""
        if self._ended.wait(self._limit):
            return
        self.is_late = True
        while not self._ended.wait(AGAIN_SECONDS):
            if self._connection is not None:
                _interrupt(self._connection)


def _interrupt(connection: Any) -> None:
    """SQLite's or PostgreSQL's, from another thread."""
    (connection.interrupt if hasattr(connection, "interrupt") else connection.cancel)()
