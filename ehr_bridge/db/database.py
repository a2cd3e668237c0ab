"""Reading and writing transactions on SQLite (WAL) or PostgreSQL.

Everything that uses a transaction raises `Unavailable` when the database is away; other docstrings do not repeat it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as AllInUse
from sqlalchemy.orm import Session

from ehr_bridge.db.commits import ChangeNumber, Commits
from ehr_bridge.db.engines.postgresql import TURN, postgresql_engines
from ehr_bridge.db.engines.sqlite import sqlite_engines
from ehr_bridge.db.rows import write_first, write_later
from ehr_bridge.db.turns import Turns
from ehr_bridge.errors import Unavailable

FAILED = "ehr_bridge_failed"


class Database:
    """Hands out transactions; hides engine options and the dialect from the caller."""

    def __init__(self, url: str) -> None:
        file = make_url(url).database
        self._turns = Turns(Path(f"{file}-turns"), Path(file)) if file else Turns(Path(os.devnull))
        self.engines = sqlite_engines(url, self._turns) if url.startswith("sqlite") else postgresql_engines(url)
        self.write_session = type("WriteSession", (Session,), {})
        """Class of the sessions that write, for event listeners (`ehr_bridge.db.decisive`)."""
        self._info = write_later(self.write_session, self.engines.writing)
        self._of_thread = local()
        self.commits = Commits(self.engine)
        """Whether anything was committed; for the worker."""
        self.change = ChangeNumber(self.commits.state)
        """The same for everybody, in memory, as long as the worker looks."""

    @property
    def engine(self) -> Engine:
        """For what is neither reading nor writing as the product does: migrations, for example."""
        return self.engines.plain

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing it does is kept. Raises Unavailable when the database is away."""
        joined = self._joined
        bind = self.engines.reading if joined is None else joined.connection()
        with _translate_outage(), Session(bind, autoflush=False) as session:
            yield session

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Like `read`, but within `together` its own session: what is looked at and then changed is not read twice."""
        if (joined := self._joined) is None:
            with self.read() as session:
                yield session
            return
        with _translate_outage(), joined.no_autoflush:
            yield joined

    @contextmanager
    def write(self, *, asks_first: bool = False) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when the block raises.

        Writers take turns, on both engines and across nodes (SQLite's BEGIN IMMEDIATE, an advisory lock on PostgreSQL):
        what a transaction has read still holds when it writes, the audit chain has one end, and writers cannot
        deadlock. `asks_first`: the block begins with a statement, which goes to PostgreSQL together with the request
        for the turn. Without it the turn is asked for before the first statement. Neither has it before that. Raises
        Unavailable when the database is away.
        """
        if (joined := self._joined) is not None:
            with _translate_outage(), _part_of(joined):
                yield joined
            return
        writing = self.engines.asking if asks_first else self.engines.writing
        made = self.write_session(writing, expire_on_commit=False, info=self._info)
        with _translate_outage(), made as session, session.begin():
            yield session

    @contextmanager
    def together(self, *, asks_first: bool = False) -> Iterator[Session]:
        """One transaction of several: until the block ends, every `read` and `write` of this thread is part of it.

        All of it is kept or nothing. When one part fails, nothing is kept, even if the error is handled inside the
        block.
        """
        with self.write(asks_first=asks_first) as session:
            if self._joined is not None:
                yield session
                return
            self._of_thread.session = session
            try:
                yield session
            finally:
                del self._of_thread.session
            if session.info.pop(FAILED, False):
                session.rollback()

    @contextmanager
    def on_trial(self) -> Iterator[Session]:
        """Like `together`, but nothing of it is kept: everything is checked as if it were."""
        with self.together() as session:
            yield session
            session.flush()
            write_first(session)
            session.info[FAILED] = True

    def let_others_write(self, seconds: float = 0.5) -> None:
        """Between two transactions of one that has much to write: those who wait for the writer's turn have it first,
        but not longer than this."""
        if self.is_sqlite:
            self._turns.let_others(seconds)

    @property
    def is_joined(self) -> bool:
        """Whether this thread is inside `together`."""
        return self._joined is not None

    @property
    def _joined(self) -> Session | None:
        return getattr(self._of_thread, "session", None)

    @contextmanager
    def write_relaxed(self, *, in_turn: bool = False) -> Iterator[Session]:
        """Like `relaxed`, as a session. `in_turn`: wait for the turn like `write`, so that what was read still holds.
        Raises Unavailable when the database is away."""
        with _translate_outage(), Session(self.engines.relaxed, expire_on_commit=False) as session, session.begin():
            if not self.is_sqlite:
                session.execute(text("SET LOCAL synchronous_commit TO OFF"))
                if in_turn:
                    session.execute(text(TURN))
            yield session

    @contextmanager
    def relaxed(self, kept: Connection | None = None) -> Iterator[Connection]:
        """One transaction without taking turns, on a connection that may be kept from the last call.

        A killed process loses nothing of it, but a power cut may lose the last moments. Use it only for what can be
        restored from the archive's own list of changes: which instances were stored. The caller closes the connection.
        Raises Unavailable when the database is away.
        """
        with _translate_outage():
            connection = kept or self.engines.relaxed.connect()
            with connection.begin():
                if not self.is_sqlite:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
                yield connection

    def dispose(self) -> None:
        self.commits.close()
        self.engines.dispose()


@contextmanager
def _part_of(joined: Session) -> Iterator[None]:
    try:
        yield
        joined.flush()
    except BaseException:
        joined.info[FAILED] = True
        raise


@contextmanager
def _translate_outage() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, AllInUse) as error:
        raise Unavailable("database_unavailable", "The database does not answer; try again in a moment.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("database_unavailable", "The database does not answer; try again in a moment.") from error
        raise
