"""Whether anything was committed to the database since somebody last looked, by whichever process: one question that
costs a fraction of those that need not be asked while the answer is no (ADR 0055)."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

QUESTIONS = {
    # differs as soon as another connection has committed
    "sqlite": "PRAGMA data_version",
    # which transactions a query would see: the same ones, the same rows
    "postgresql": "SELECT txid_current_snapshot()::text",
}


class Commits:
    """On a connection of its own, which writes nothing. Not thread-safe: only one thread asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None
        self._made = 0

    def state(self) -> object:
        """Equal to an earlier answer only if nothing was committed in between. Never raises: an answer that cannot be
        had, because the database is away, equals no other."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            cursor = self._connection.cursor()
            cursor.execute(QUESTIONS[self._engine.dialect.name])
            return self._made, cursor.fetchone()
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            self.close()
            return object()

    def close(self) -> None:
        """Give the connection back; the next question makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        if self._engine.dialect.name == "postgresql":
            setattr(connection.dbapi_connection, "autocommit", True)  # noqa: B010  (psycopg's, whose type is not known)
        connection.detach()
        self._made += 1  # no answer of this connection equals one of the last: the server may be another
        return connection


class ChangeNumber:
    """A number for readers that look again and again: another one as soon as something was committed. In memory: few
    threads look (`look`), any number of them read (`value`)."""

    def __init__(self, state: Callable[[], object]) -> None:
        """`state` is `Commits.state`."""
        self._state = state
        self._lock = threading.Lock()
        self._of_process = secrets.token_hex(4)
        self._seen: object = None
        self._count = 0

    def look(self) -> object:
        """The state of the database just now; the number is another one if it has changed since the last look."""
        with self._lock:  # the question has one connection
            state = self._state()
            if state != self._seen:
                self._seen, self._count = state, self._count + 1
            return state

    @property
    def value(self) -> str:
        """Of this process: two nodes, or a node before and after a start, never say the same."""
        return f"{self._of_process}-{self._count}"
